"""The fields of what an ad account holds besides its campaigns, as Meta's own SDK lists them."""

from __future__ import annotations

from tap_meta_partner.sandbox.protocol.vocabulary import names_in

#: Every field of a custom conversion.
CUSTOM_CONVERSION_FIELDS = names_in(
    """
    account_id action_source_type advanced_rule aggregation_rule business creation_time
    custom_conversion_id custom_event_type data_sources default_conversion_value description
    event_source_id event_source_type first_fired_time id is_archived is_unavailable
    last_fired_time name offline_conversion_data_set pixel retention_days rule
    """
)
#: Every field of a pixel.
PIXEL_FIELDS = names_in(
    """
    automatic_matching_fields can_proxy code config creation_time creator data_use_setting
    description duplicate_entries enable_auto_assign_to_accounts enable_automatic_matching
    event_stats event_time_max event_time_min first_party_cookie_status has_1p_pixel_event id
    is_consolidated_container is_created_by_business is_crm is_mta_use is_restricted_use
    is_unavailable last_fired_time last_upload_app last_upload_app_changed_time
    match_rate_approx matched_entries name owner_ad_account owner_business usage
    user_access_expire_time valid_entries
    """
)
#: Every field of an activity.
ACTIVITY_FIELDS = names_in(
    """
    actor_id actor_name application_id application_name changed_data date_time_in_timezone
    event_time event_type extra_data object_id object_name object_type translated_event_type
    """
)
#: Every field of an image.
IMAGE_FIELDS = names_in(
    """
    account_id bytes copy_from created_time creatives filename hash height id
    is_associated_creatives_in_adgroups name original_height original_width owner_business
    permalink_url status updated_time url url_128 width
    """
)
#: Every field of a video.
VIDEO_FIELDS = names_in(
    """
    ad_breaks ad_placements_validation_only admin_creator application_id
    asked_fun_fact_prompt_id audio_isrc audio_story_wave_animation_handle backdated_time
    backdated_time_granularity boost_eligibility_info chunk_session_id composer_entry_picker
    composer_entry_point composer_entry_time composer_session_events_log composer_session_id
    composer_source_surface composer_type container_type content_category content_tags copyright
    copyright_check_information copyright_monitoring_status created_time creative_folder_id
    creative_tools custom_labels description edit_description_spec embed_html embeddable
    end_offset event expiration fbuploader_video_file_chunk file_size file_url filename filepath
    fisheye_video_cropped format formatting fov from front_z_rotation fun_fact_prompt_id
    fun_fact_toastee_id guide guide_enabled icon id initial_heading initial_pitch
    instant_game_entry_point_data is_ai_generated is_boost_intended is_crosspost_video
    is_crossposting_eligible is_episode is_group_linking_post is_instagram_eligible
    is_partnership_ad is_reference_only is_voice_clip length live_audience_count live_status
    location_source_id music_video_copyright name og_action_type_id og_icon_id og_object_id
    og_phrase og_suggestion_mechanism original_fov original_projection_type
    partnership_ad_ad_code permalink_url picture place post_id post_views
    premiere_living_room_status privacy publish_event_id published referenced_sticker_id
    replace_audio_status replace_video_id scheduled_publish_time selected_audio_spec
    slideshow_spec source source_instagram_media_id spherical start_offset status swap_mode
    text_format_metadata thumb time_since_original_post title transcode_setting_properties
    universal_video_id unpublished_content_type updated_time upload_phase upload_session_id
    upload_setting_properties validation_ad_placements video_file_chunk video_id
    video_id_original video_start_time_ms video_state views waterfall_id
    """
)
#: Every field of a custom audience.
AUDIENCE_FIELDS = names_in(
    """
    account_id allowed_domains approximate_count_lower_bound approximate_count_upper_bound
    associated_audience_id audience_labels claim_objective content_type countries
    creation_params customer_file_source data_source data_source_types
    datafile_custom_audience_uploading_status dataset_id delete_time delivery_status description
    enable_fetch_or_create event_source_group event_sources excluded_custom_audiences exclusions
    external_event_source facebook_page_id fields_violating_integrity_policy household_audience
    id included_custom_audiences inclusionOperator inclusions is_eligible_for_sac_campaigns
    is_household is_snapshot is_value_based list_of_accounts lookalike_audience_ids
    lookalike_spec marketing_message_channels messenger_marketing_messages_page name
    operation_status opt_out_link origin_audience_id owner_business
    page_deletion_marked_delete_time parent_audience_id partner_reference_key
    permission_for_actions pixel_id prefill product_set_id regulated_audience_spec
    retention_days rev_share_policy_id rule rule_aggregation rule_v2 seed_audience
    sharing_status subscription_info subtype time_content_updated time_created time_updated
    usage_restriction use_for_products use_in_campaigns video_group_ids
    whats_app_business_phone_number_id
    """
)
