#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::path::Path;

#[path = "../../../fuzz/replay.rs"]
mod corpus;

fn replay(target: &str, holds: impl Fn(&[u8])) {
    corpus::replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target), holds);
}

fn replay_texts(target: &str, holds: impl Fn(&str)) {
    replay(target, |input| holds(&String::from_utf8_lossy(input)));
}

#[test]
fn corpus_of_yaml_reads_and_writes_back() {
    replay("yaml", super::yaml);
}

#[test]
fn corpus_of_json_reads_as_serde_reads_it() {
    replay("json", super::json);
}

#[test]
fn corpus_of_edits_changes_only_what_was_meant() {
    replay("editor", super::editor);
}

#[test]
fn corpus_of_edit_forms_reads_and_shows_again() {
    replay_texts("edit_form", super::edit_form);
}

#[test]
fn corpus_of_kubeconfigs_reads_or_is_refused() {
    replay_texts("kubeconfig", super::kubeconfig);
}

#[test]
fn corpus_of_command_lines_reads_or_is_refused() {
    replay_texts("command_lines", super::command_line);
}

#[test]
fn corpus_of_leaks_is_found_and_no_redirect_loses_tls() {
    replay_texts("leaks", super::leaks);
}
