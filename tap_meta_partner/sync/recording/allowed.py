"""What may be kept of Meta's answers as it came: names of fields, words of Meta's, numbers.

All that is not listed here is replaced. So a field that Meta adds tomorrow gives nothing away.
"""

from __future__ import annotations

from tap_meta_partner.dimensions.columns import Holds
from tap_meta_partner.dimensions.tables import DIMENSIONS
from tap_meta_partner.insights.fields import BREAKDOWNS, Kind, known_fields

_NUMBER_KINDS = (Kind.COUNT, Kind.NUMBER, Kind.HISTOGRAM, Kind.ACTIONS)
_WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view", "7d_view", "28d_view", "1d_ev")
_COUNTED = ("", "_all_conversions", "_first_conversion")
_AMOUNTS = {
    path.rpartition(".")[2]
    for dimension in DIMENSIONS.values()
    for column in dimension.columns
    if column.holds in (Holds.MINOR, Holds.WHOLE)
    for path in column.paths
}

#: Strings under these names are numbers, and kept where they are: metrics, amounts, windows.
NUMBERS = frozenset(
    {name for name, kind in known_fields().items() if kind in _NUMBER_KINDS}
    | _AMOUNTS
    | {f"{window}{ending}" for window in _WINDOWS for ending in _COUNTED}
    | {"value", "amount_spent", "balance", "spend_cap", "min_daily_budget"}
    | {"min_campaign_group_spend_cap"}
)

#: Strings under these names are words of Meta's: statuses, kinds, breakdowns that are nobody's.
WORDS = frozenset(
    """
    account_currency account_status action_attribution_windows action_breakdowns action_destination
    action_device action_reaction action_report_time action_type action_video_sound
    action_video_type ads_api_access_tier age async_status attribution_setting attribution_windows
    bid_strategy billing_event breakdowns business_country_code buying_type call_to_action_type
    configured_status conversion_rate_ranking country currency date_preset destination_type
    device_platform effective_status engagement_rate_ranking event_type field fields filtering
    gender
    hourly_stats_aggregated_by_advertiser_time_zone hourly_stats_aggregated_by_audience_time_zone
    impression_device indicator level objective object_type operator optimization_goal
    optimization_sub_event pacing_type permission permitted_tasks platform_position
    publisher_platform quality_ranking scope scopes signal_source_bucket sort
    special_ad_categories status time_increment timezone_name type user_segment_key user_tasks
    """.split()
)

#: In an error, sentences of Meta's: word by word.
SENTENCES = frozenset(
    "message error_message error_user_title error_user_msg x-ad-api-version-warning".split()
)

#: Under these names are ids, whatever they are made of.
IDS = frozenset({"id", "hash"})

#: Not kept at all.
SECRET_PARAMETERS = frozenset(
    """
    access_token appsecret_proof appsecret_time client_secret code fb_exchange_token input_token
    revoke_token
    """.split()
)

#: Headers that are kept; all others are left out.
HEADERS = frozenset(
    """
    content-type date facebook-api-version x-ad-account-usage x-ad-api-version-warning x-app-usage
    x-business-use-case-usage x-fb-ads-insights-reach-throttle x-fb-ads-insights-throttle
    """.split()
)

#: Names of fields, of parameters and of breakdowns may stand in a sentence.
FIELD_NAMES = frozenset(known_fields()) | BREAKDOWNS

#: Words of which Meta makes its messages; any other is replaced.
VOCABULARY = frozenset(
    """
    a about above access accessing account accounts across action actions ad additional ads
    ads_management ads_read after again all allowed already also an and any api app application are
    as asked asynchronous at auto-upgraded available be because been before belong below between
    breakdown breakdowns business business_management but by call calling calls can cannot change
    changed check code combination completed correct could create created current cursor cursors
    data date days debug deleted deprecated did different do does each edge either empty end ended
    enough entry error errors exist existing exists expired failed fetch field fields filter
    filtering following for found from get given grant granted graphmethodexception greater group
    has have higher history hit id ids if in include incorrect increment information input insights
    integer internal invalid is it job later latest length less level like limit limits list load
    loaded long made make many match matching may means message metric metrics missing month months
    more most must name names necessary need needs next no node nonexisting not number oauth
    oauthexception object objects occurred of older on only operation operator option or other out
    over owner page param parameter parameters params path per period permission permissions please
    point possible post processing provided query range ranges rate reached read reading reason
    reduce reference refresh report reports request requested requests require required requires
    resource retry rows run same see sent server service session set should since size smaller some
    soon specified start started status subset summary support supported syntax system temporarily
    than that the their them there they this through time timed times timestamp to token too tried
    try trying type unavailable unexpected unknown unsupported until update upgrade upgraded url use
    used user using valid validating value values version versions via wait was we were when which
    while will window windows with within without wrong you your
    """.split()
)
