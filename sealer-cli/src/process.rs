//! What others on the machine may take of this process: neither its memory nor a core file.

/// Closes the process to debuggers and core files of the same user. Values and private keys may be in its memory.
#[cfg(target_os = "linux")]
pub(crate) fn protect() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    // Where the kernel refuses, the command works as before.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Elsewhere nothing is known that would.
#[cfg(not(target_os = "linux"))]
pub(crate) fn protect() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    /// T-Z2.
    #[test]
    fn a_protected_process_leaves_no_core_and_is_not_dumpable() {
        super::protect();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let core = getrlimit(Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    }
}
