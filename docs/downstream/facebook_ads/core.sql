-- The source tables of the dbt package facebook_ads (github.com/fivetran/dbt_facebook_ads, 1.5),
-- as views of this tap's tables: accounts, campaigns, ad sets, ads, creatives, ads' days and their
-- actions.
--
--   psql -v ON_ERROR_STOP=1 -f docs/downstream/facebook_ads/core.sql "$DATABASE"
--
-- Names and types are those of the package's macros/staging/get_*_columns.sql, the windows'
-- (_1_d_view …) those of its models/staging/src_facebook_ads.yml. Whole numbers are bigint, as ids
-- need it; what the package calls a float is numeric here, so that money adds up to the last digit.
-- Instants are UTC without a time zone, as the loader stores them.
--
-- What differs from the package's usual source:
--   * Every `…_history` has one row an object, the most recent one; histories.sql makes those of
--     campaigns, ad sets and ads a row for each change.
--   * `_fivetran_synced` is when the tap asked Meta for the row (`read_at`).
--   * `_fivetran_id` is made of the row's key, and stays the same from run to run.
--   * Budgets are in the currency's smallest unit, as Meta gives them; ours in whole units are the
--     columns `…_major` of the tables themselves.
-- Running it again replaces the views in place.

create schema if not exists facebook_ads;

create or replace view facebook_ads.account_history as
select
  account_id::bigint as id,
  coalesce(
    (select max(run_started_at) from tap_meta_partner.account_sync_status as status
     where status.account_id = account.account_id and status.result <> 'lost'),
    created_time
  ) as _fivetran_synced, -- ad_accounts has no read_at: it is read whole at the beginning of a run
  name,
  account_status_name as account_status,
  business_country_code,
  created_time,
  currency,
  timezone_name,
  timezone_offset_hours_utc::numeric as timezone_offset_hours_utc,
  null::text as business_state, -- not read
  min_daily_budget::bigint as min_daily_budget
from tap_meta_partner.ad_accounts as account;

create or replace view facebook_ads.campaign_history as
select
  updated_time,
  created_time,
  account_id::bigint as account_id,
  id::bigint as id,
  name,
  start_time,
  stop_time,
  status,
  daily_budget::bigint as daily_budget,
  lifetime_budget::bigint as lifetime_budget,
  budget_remaining::numeric as budget_remaining,
  read_at as _fivetran_synced
from tap_meta_partner.campaigns;

create or replace view facebook_ads.ad_set_history as
select
  updated_time,
  id::bigint as id,
  name,
  account_id::bigint as account_id,
  campaign_id::bigint as campaign_id,
  start_time,
  end_time,
  bid_strategy,
  daily_budget::bigint as daily_budget,
  budget_remaining::bigint as budget_remaining,
  status,
  optimization_goal,
  read_at as _fivetran_synced
from tap_meta_partner.adsets;

create or replace view facebook_ads.ad_history as
select
  updated_time,
  id::bigint as id,
  name,
  account_id::bigint as account_id,
  adset_id::bigint as ad_set_id,
  campaign_id::bigint as campaign_id,
  creative_id::bigint as creative_id,
  conversion_domain,
  read_at as _fivetran_synced
from tap_meta_partner.ads;

create or replace view facebook_ads.creative_history as
select
  id as _fivetran_id,
  read_at as _fivetran_synced,
  id::bigint as id,
  account_id::bigint as account_id,
  name,
  page_link,
  template_page_link,
  -- Meta gives utm_source=meta&utm_medium=paid; the package reads a list of key, value and type. It
  -- takes backslashes out before, so that there must be none: quotes are written as in an address.
  (select json_agg(
     json_build_object(
       'key', split_part(tag, '=', 1),
       'value', nullif(substr(tag, strpos(tag || '=', '=') + 1), ''),
       'type', 'AD'
     ) order by position
   )::text
   from regexp_split_to_table(
     replace(replace(url_tags, '"', '%22'), '\', '%5C'), '&'
   ) with ordinality as tags(tag, position)
   where tag <> '') as url_tags,
  to_json(asset_feed_spec_link_urls)::text as asset_feed_spec_link_urls,
  to_json(object_story_link_data_child_attachments)::text
    as object_story_link_data_child_attachments,
  object_story_link_data_caption,
  object_story_link_data_description,
  object_story_link_data_link,
  object_story_link_data_message,
  to_json(template_app_link_spec_android)::text as template_app_link_spec_android,
  to_json(template_app_link_spec_ios)::text as template_app_link_spec_ios,
  to_json(template_app_link_spec_ipad)::text as template_app_link_spec_ipad,
  to_json(template_app_link_spec_iphone)::text as template_app_link_spec_iphone
from tap_meta_partner.adcreatives;

-- One row for each ad and day with delivery. Meta sends no zeros: what did not happen is null.
create or replace view facebook_ads.basic_ad as
select
  ad_id,
  ad_name,
  adset_name,
  date_start as date,
  account_id::bigint as account_id,
  impressions,
  inline_link_clicks,
  spend,
  reach,
  frequency,
  read_at as _fivetran_synced,
  -- Beyond the package, for facebook_ads__basic_ad_passthrough_metrics and for people.
  clicks,
  cpc,
  cpm,
  ctr,
  account_currency,
  is_final
from tap_meta_partner.ad_insights;

-- The report ad_conversions, whose amounts are a row for each attribution window: here a column.
-- A window that was not asked for is null throughout. `value` is by the ad set's own setting.
-- Action types contain each other: never add over them.
create or replace view facebook_ads.basic_ad_actions as
select
  md5(concat_ws('|', account_id, date_start, ad_id)) as _fivetran_id,
  max(read_at) as _fivetran_synced,
  action_type,
  ad_id,
  date_start as date,
  row_number() over (partition by account_id, date_start, ad_id order by action_type) - 1 as index,
  max(value) filter (where attribution_window = 'default') as value,
  max(value) filter (where attribution_window = 'inline') as inline,
  max(value) filter (where attribution_window = '1d_view') as _1_d_view,
  max(value) filter (where attribution_window = '1d_click') as _1_d_click,
  max(value) filter (where attribution_window = '7d_click') as _7_d_click,
  max(value) filter (where attribution_window = '28d_click') as _28_d_click
from tap_meta_partner.ad_conversions_actions
where metric = 'actions'
group by account_id, date_start, ad_id, action_type;

create or replace view facebook_ads.basic_ad_action_values as
select
  md5(concat_ws('|', account_id, date_start, ad_id)) as _fivetran_id,
  max(read_at) as _fivetran_synced,
  action_type,
  ad_id,
  date_start as date,
  row_number() over (partition by account_id, date_start, ad_id order by action_type) - 1 as index,
  max(value) filter (where attribution_window = 'default') as value,
  max(value) filter (where attribution_window = 'inline') as inline,
  max(value) filter (where attribution_window = '1d_view') as _1_d_view,
  max(value) filter (where attribution_window = '1d_click') as _1_d_click,
  max(value) filter (where attribution_window = '7d_click') as _7_d_click,
  max(value) filter (where attribution_window = '28d_click') as _28_d_click
from tap_meta_partner.ad_conversions_actions
where metric = 'action_values'
group by account_id, date_start, ad_id, action_type;
