-- The optional source tables of the dbt package facebook_ads: by country and by region. Only for who
-- sets facebook_ads__using_demographics_country and …_region; see core.sql for what all views share.
--
--   psql -v ON_ERROR_STOP=1 -f docs/downstream/facebook_ads/demographics.sql "$DATABASE"
--
-- The package joins a row to its actions by `_fivetran_id`: both make it of account, day and place.

create schema if not exists facebook_ads;

-- Countries: a row for each account, day and country, from the report by_country.
create or replace view facebook_ads.demographics_country as
select
  md5(concat_ws('|', account_id, date_start, country)) as _fivetran_id,
  read_at as _fivetran_synced,
  account_id,
  country,
  date_start as date,
  frequency,
  impressions,
  inline_link_clicks,
  reach,
  spend,
  -- For facebook_ads__demographics_country_passthrough_metrics.
  cost_per_inline_link_click,
  cpc,
  cpm,
  ctr,
  inline_link_click_ctr
from tap_meta_partner.by_country;

create or replace view facebook_ads.demographics_country_actions as
select
  md5(concat_ws('|', account_id, date_start, country)) as _fivetran_id,
  max(read_at) as _fivetran_synced,
  account_id,
  action_type,
  date_start as date,
  row_number() over (partition by account_id, date_start, country order by action_type) - 1 as index,
  max(value) filter (where attribution_window = 'default') as value,
  max(value) filter (where attribution_window = 'inline') as inline,
  max(value) filter (where attribution_window = '1d_view') as _1_d_view,
  max(value) filter (where attribution_window = '7d_click') as _7_d_click
from tap_meta_partner.by_country_actions
where metric = 'actions'
group by account_id, date_start, country, action_type;

-- Regions: a row for each account, day and region, from the report by_region.
create or replace view facebook_ads.demographics_region as
select
  md5(concat_ws('|', account_id, date_start, region)) as _fivetran_id,
  read_at as _fivetran_synced,
  account_id,
  region,
  date_start as date,
  frequency,
  impressions,
  inline_link_clicks,
  reach,
  spend,
  -- For facebook_ads__demographics_region_passthrough_metrics.
  cost_per_inline_link_click,
  cpc,
  cpm,
  ctr,
  inline_link_click_ctr
from tap_meta_partner.by_region;

create or replace view facebook_ads.demographics_region_actions as
select
  md5(concat_ws('|', account_id, date_start, region)) as _fivetran_id,
  max(read_at) as _fivetran_synced,
  account_id,
  action_type,
  date_start as date,
  row_number() over (partition by account_id, date_start, region order by action_type) - 1 as index,
  max(value) filter (where attribution_window = 'default') as value,
  max(value) filter (where attribution_window = 'inline') as inline,
  max(value) filter (where attribution_window = '1d_view') as _1_d_view,
  max(value) filter (where attribution_window = '7d_click') as _7_d_click
from tap_meta_partner.by_region_actions
where metric = 'actions'
group by account_id, date_start, region, action_type;
