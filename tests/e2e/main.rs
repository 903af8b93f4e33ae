//! Does the whole product work on a real control plane? One start for each installation, a namespace a test; when a test
//! fails, what stands in its namespace and the end of the controller's log are printed. Installations run side by side.

#![expect(clippy::indexing_slicing, reason = "tests index JSON that they built")]

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Handle, Runtime};

use crate::cluster::Cluster;
use crate::installation::{CLOSING, INSTALLATIONS};
use crate::scene::Scene;
use crate::suite::Suite;

mod chart;
mod cluster;
mod command_line;
mod connections;
mod corrupted;
mod failures;
mod faults;
mod gitops;
mod health;
mod hostile;
mod http_port;
mod installation;
mod items;
mod key_life;
mod keys;
mod kills;
mod lifecycle;
mod moving;
mod own_keys;
mod own_rights;
mod ownership;
mod policies;
mod recorded;
mod reseal;
mod rights;
mod scale;
mod scene;
mod scopes;
mod spoilt;
mod stage;
mod suite;
mod templates;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each test waits for the cluster most of the time.
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let Ok(runtime) = Runtime::new() else { return ExitCode::FAILURE };
    let all: Vec<String> = TESTS.iter().map(|(module, name, _)| format!("{module}::{name}")).collect();
    let unknown: Vec<&str> = INSTALLATIONS.iter().flat_map(|installation| installation.names_no_test(&all)).collect();
    if !unknown.is_empty() {
        sealer_tests::report::say(&format!("error: tests are left out that do not exist: {unknown:?}"));
        return ExitCode::FAILURE;
    }
    let of_one = |installation| trials(&Arc::new(Cluster::new(installation)), &arguments, runtime.handle());
    let [corrupted, without, others @ ..] = INSTALLATIONS.map(of_one);
    // What comes last behind the proxy takes long, so that it does not come last of all.
    let tests = in_turns(vec![corrupted, without]).into_iter().chain(in_turns(others.into()));
    libtest_mimic::run(&arguments, tests.collect()).exit_code()
}

/// One test of each list, and so on.
fn in_turns(lists: Vec<Vec<Trial>>) -> Vec<Trial> {
    let mut numbered: Vec<(usize, Trial)> = lists.into_iter().flat_map(|list| list.into_iter().enumerate()).collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, test)| test).collect()
}

/// Tests that run at the same time, of all installations together.
const AT_ONCE: usize = 8;

type Test = fn(Scene) -> futures::future::LocalBoxFuture<'static, Result<()>>;

/// Makes a test from an async function, under its own name.
macro_rules! tests {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$((stringify!($module), stringify!($name), |scene| Box::pin($module::$name(scene)))),*]
    };
}

const TESTS: &[(&str, &str, Test)] = tests![
    lifecycle::a_sealed_secret_becomes_its_secret,
    lifecycle::items_are_added_changed_and_removed,
    lifecycle::deleting_it_takes_the_secret_away,
    lifecycle::a_secret_deleted_by_hand_comes_back,
    lifecycle::a_secret_edited_by_hand_is_put_right,
    lifecycle::deleted_and_made_again_at_once_it_still_has_its_secret,
    lifecycle::what_other_tools_add_to_the_secret_stays,
    lifecycle::kubectl_shows_and_waits_for_it,
    ownership::a_foreign_secret_is_never_touched,
    ownership::a_secret_handed_over_later_is_taken_over,
    ownership::a_patched_secret_keeps_its_own_items,
    ownership::a_patched_secret_is_neither_taken_over_nor_frozen,
    ownership::only_what_was_ours_or_in_the_way_is_made_again,
    ownership::privileged_types_are_refused,
    scopes::each_scope_opens_where_it_may,
    scopes::a_strict_value_opens_under_no_other_name,
    scopes::a_namespace_wide_value_opens_in_no_other_namespace,
    scopes::a_scope_annotation_added_later_counts,
    failures::what_does_not_open_is_told_without_a_byte_of_a_value,
    failures::one_malformed_object_stalls_no_other,
    failures::broken_key_secrets_stall_nothing,
    failures::a_failed_update_leaves_the_secret_as_it_was,
    templates::templates_render_over_the_opened_values,
    templates::a_failing_template_shows_no_value_anywhere,
    templates::no_function_shows_a_value,
    templates::a_hostile_template_harms_its_object_alone,
    templates::two_values_cannot_be_told_apart,
    keys::a_new_key_is_served_and_old_values_open,
    keys::a_restored_key_opens_what_waited_for_it,
    keys::a_restart_changes_nothing_and_serves_the_same_key,
    keys::keys_of_other_namespaces_are_ignored,
    key_life::a_key_is_rotated_resealed_for_and_retired,
    key_life::a_rotation_goes_on_after_an_interruption,
    key_life::a_backup_is_proven_and_restored_elsewhere,
    key_life::whoever_may_not_read_keys_is_told_so,
    command_line::the_first_users_pipes_work,
    command_line::whoever_is_authenticated_may_fetch_the_certificate,
    command_line::an_unreachable_or_forbidden_controller_is_named,
    command_line::a_controller_with_another_name_is_hinted_at,
    command_line::the_controller_validates_and_seals_anew,
    recorded::recorded_scenes_are_taken_over_untouched_and_end_as_recorded,
    reseal::files_follow_a_new_key_and_nothing_else_in_them_changes,
    moving::a_repository_follows_to_a_new_cluster_with_one_command,
    items::one_item_of_a_file_changes_and_reaches_the_cluster,
    items::what_does_not_open_is_explained_by_whoever_may_look,
    connections::tokens_plugins_and_impersonation_are_used_as_kubectl_uses_them,
    connections::a_live_controller_answers_as_recorded,
    gitops::each_tool_reads_the_health_that_it_should,
    gitops::applied_again_and_again_nothing_drifts,
    gitops::client_side_apply_says_created_unchanged_and_configured,
    gitops::what_is_pruned_goes_and_comes_again,
    gitops::without_an_owner_the_secret_outlives_its_object,
    gitops::who_waits_sees_every_change_observed,
    gitops::marks_of_tools_stay_where_they_are,
    gitops::documents_of_early_versions_are_taken_as_they_are,
    gitops::overlays_open_where_their_scope_lets_them,
    gitops::a_pod_reads_the_secret_byte_for_byte,
    faults::what_is_refused_is_named_and_tried_again_until_it_passes,
    faults::slow_answers_hold_up_nobody_else,
    faults::fifty_first_writes_that_conflict_cost_at_most_thrice_as_much,
    faults::what_happens_while_no_watch_works_is_seen_afterwards,
    faults::an_api_server_that_is_away_is_waited_for,
    faults::an_api_server_that_is_killed_and_starts_again_finds_its_controller,
    faults::a_start_while_the_api_server_is_away_waits_for_it,
    faults::a_checkpoint_that_cannot_be_read_is_kept_all_the_same,
    faults::secrets_that_cannot_be_listed_hold_up_no_object_after_a_restart,
    faults::rights_that_are_taken_away_are_named_and_waited_for,
    faults::a_full_quota_is_named_and_others_go_on,
    faults::what_a_policy_denies_comes_when_the_policy_goes,
    faults::an_immutable_secret_waits_until_somebody_deletes_it,
    faults::an_immutable_secret_is_made_again_with_leave,
    faults::leave_to_make_a_secret_again_counts_by_itself_and_once,
    faults::a_namespace_that_ends_takes_nothing_else_along,
    hostile::broken_key_secrets_of_every_kind_stall_nothing,
    hostile::malformed_objects_fail_alone_and_are_named,
    hostile::a_secret_that_is_deleted_again_and_again_is_made_ever_more_slowly,
    hostile::whatever_is_posted_the_next_request_is_answered,
    hostile::fifty_honest_objects_come_before_one_that_keeps_all_keys_busy,
    http_port::slow_connections_keep_no_probe_and_no_verify_waiting,
    http_port::posts_of_every_costly_shape_cost_little_memory,
    http_port::authorized_endpoints_ask_the_api_server,
    spoilt::answers_that_are_spoilt_show_nothing_and_stall_nothing_else,
    spoilt::an_object_that_is_too_deep_fails_alone_however_it_is_listed,
    spoilt::times_that_no_calendar_has_stall_nothing,
    spoilt::objects_of_very_many_values_take_little_memory,
    spoilt::what_the_api_server_says_of_a_value_is_not_repeated,
    own_rights::under_old_rights_a_killed_controller_is_followed_by_one_that_converges,
    own_rights::under_old_rights_an_object_made_anew_waits_seconds_for_its_secret,
    own_rights::under_old_rights_a_secret_in_the_way_is_looked_at_again_and_again,
    own_rights::a_namespace_without_rights_is_waited_for_without_a_refused_call,
    own_keys::a_key_from_before_there_were_labels_is_used,
    own_keys::a_key_that_is_marked_or_taken_away_opens_nothing_until_it_is_back,
    own_keys::a_key_that_is_old_gets_a_successor_and_goes_on_opening,
    own_keys::what_somebody_does_is_answered_at_once,
    own_keys::no_sealed_secret_becomes_a_key_or_a_checkpoint,
    own_keys::a_key_that_nobody_vouches_for_opens_and_does_not_seal,
    own_keys::a_key_that_came_while_nobody_looked_is_told,
    kills::killed_while_it_makes_a_secret,
    kills::killed_while_it_changes_a_secret,
    kills::killed_while_it_deletes_a_secret,
    kills::killed_while_it_makes_its_first_key,
    kills::killed_while_it_renews_its_key,
    kills::a_lost_answer_to_a_new_key_does_not_end_in_two,
    kills::asked_to_end_it_ends_well_whatever_it_is_doing,
    kills::two_controllers_at_once_spoil_nothing,
    chart::a_release_is_taken_over_upgraded_and_given_back,
    chart::the_secure_preset_is_complete_or_says_what_is_missing,
    scale::two_hundred_objects_at_once,
    scale::calls_are_counted,
    scale::a_restart_costs_no_look_and_no_write,
    scale::nothing_the_controller_asks_for_is_forbidden,
    policies::who_may_not_create_secrets_makes_and_changes_no_sealed_secret,
    policies::who_may_not_get_secrets_writes_no_templates,
    policies::the_controllers_namespace_takes_no_sealed_secret,
    policies::what_is_too_large_or_nested_is_refused_by_name,
    rights::a_right_that_is_missing_is_told_once,
    rights::the_plain_manifest_goes_over_the_one_before_it,
    rights::a_newer_definition_takes_what_is_stored_under_an_older_one,
    corrupted::corrupted_answers_show_no_value_anywhere,
];

/// Namespaces of the tests that others must not run beside.
const DISTURBING: &[&str] = &[
    "recorded-scenes-are-taken-over-untouched-and-end-as-recorded",
    "a-restart-changes-nothing-and-serves-the-same-key",
    "a-release-is-taken-over-upgraded-and-given-back",
    "an-api-server-that-is-killed-and-starts-again-finds-its-cont",
    "a-newer-definition-takes-what-is-stored-under-an-older-one",
    "a-restart-costs-no-look-and-no-write",
    // Others compare the certificate that is served.
    "a-new-key-is-served-and-old-values-open",
];

/// The tests of one installation; the one that comes after all others stands last.
fn trials(cluster: &Arc<Cluster>, arguments: &Arguments, handle: &Handle) -> Vec<Trial> {
    let installation = cluster.installation;
    let trial = |(module, name, test): &(&str, &str, Test)| {
        let (cluster, handle, test) = (cluster.clone(), handle.clone(), *test);
        let namespace = name.replace('_', "-").chars().take(60).collect::<String>();
        let namespace = namespace.trim_end_matches('-').to_owned();
        let prefix = if installation.name.is_empty() { String::new() } else { format!("{}::", installation.name) };
        let closes = format!("{module}::").starts_with(CLOSING);
        let test = Trial::test(format!("{prefix}{module}::{name}"), move || {
            let turn = cluster.turn(closes);
            let suite = handle.block_on(turn.suite())?;
            handle.block_on(run(suite, namespace, test)).map_err(Failed::from)
        });
        (closes, test)
    };
    let here = |(module, name, _): &&(&str, &str, Test)| installation.has(&format!("{module}::{name}"));
    let mut tests: Vec<(bool, Trial)> = TESTS.iter().filter(here).map(trial).collect();
    tests.retain(|(_, test)| arguments.list || !arguments.is_filtered_out(test) && !arguments.is_ignored(test));
    tests.sort_by_key(|(closes, _)| *closes);
    cluster.expect(tests.len());
    tests.into_iter().map(|(_, test)| test).collect()
}

async fn run(suite: Arc<Suite>, namespace: String, test: Test) -> Result<(), String> {
    // A test that disturbs the shared controller runs alone.
    let turn = suite.clone();
    let (_shared, _alone) = if DISTURBING.contains(&namespace.as_str()) {
        (None, Some(turn.turn.write().await))
    } else {
        (Some(turn.turn.read().await), None)
    };
    let corrupts = suite.installation.corrupts_answers();
    match attempt(suite.clone(), namespace.clone(), test).await {
        // Which answer is corrupted depends on the order of all requests, and what is told of it is not wrong: a test
        // that meets one at the worst moment has another chance.
        Err(told) if corrupts => {
            sealer_tests::report::say(&format!("{namespace} again: {}", told.lines().next().unwrap_or_default()));
            attempt(suite, format!("{namespace}-2"), test).await
        }
        outcome => outcome,
    }
}

async fn attempt(suite: Arc<Suite>, namespace: String, test: Test) -> Result<(), String> {
    let scene = Scene::new(suite, namespace).await.map_err(|error| format!("{error:#}"))?;
    match test(scene.clone()).await {
        Ok(()) => Ok(()),
        Err(error) => Err(format!("{error:#}\n\n{}", scene.dump().await)),
    }
}
