-- Action rows of custom conversions, by name: `offsite_conversion.custom.<id>` says nothing to a reader.
-- Reads custom_conversions, and the action rows of a report with `action_rows: true` (here: ad_conversions).
create or replace view tap_meta_partner.custom_conversion_actions as
select a.*, c.id as custom_conversion_id, c.name as custom_conversion, c.custom_event_type
from tap_meta_partner.ad_conversions_actions a
join tap_meta_partner.custom_conversions c
  on a.account_id = c.account_id
  and a.action_type = 'offsite_conversion.custom.' || c.id;
