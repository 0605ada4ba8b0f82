-- What campaigns, ad sets and ads were, for the dbt package facebook_ads: the views of core.sql, with
-- a row for each change instead of the latest state alone.
--
--   psql -v ON_ERROR_STOP=1 -f docs/downstream/facebook_ads/histories.sql "$DATABASE"
--
-- After core.sql. Needs campaigns_history, adsets_history and ads_history among what is selected; they
-- take no call more. The package itself reads the most recent row of each object, so that its reports
-- stay what they are; whoever asks what a budget was on a day finds it here. budget_remaining and
-- _fivetran_synced are those of the change: neither moves until the next one. Running core.sql again
-- brings the latest states back.

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
from tap_meta_partner.campaigns_history;

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
from tap_meta_partner.adsets_history;

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
from tap_meta_partner.ads_history;
