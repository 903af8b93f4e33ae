//! Keeps what is in the process's memory there: no core dumps, no reading by others, no swapping where it can be had.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};

/// What was reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hardening {
    is_private: bool,
    memory: Memory,
}

/// Whether memory may be written to a swap device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    Locked,
    /// There is no swap.
    NothingToLock,
    NotPermitted,
}

/// Hardens this process. To be called before it reads anything that is secret.
pub(crate) fn harden() -> Hardening {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let is_private =
        setrlimit(Resource::Core, none).is_ok() && set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
    let is_unlimited = getrlimit(Resource::Memlock).current.is_none();
    let may_lock =
        is_unlimited || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = match wanted(&meminfo, may_lock) {
        // Pages are locked as they are used: no memory is taken that would not be taken anyway.
        Memory::Locked
            if mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).is_err() =>
        {
            Memory::NotPermitted
        }
        memory => memory,
    };
    Hardening { is_private, memory }
}

/// What to do about swapping. A limit that is not unlimited would turn a later allocation into a crash; and locked memory
/// is not given back by the allocator, so it is locked only where there is swap.
fn wanted(meminfo: &str, may_lock: bool) -> Memory {
    let swap = meminfo.lines().find_map(|line| line.strip_prefix("SwapTotal:"));
    let has_swap = swap.is_none_or(|swap| swap.trim() != "0 kB");
    match (has_swap, may_lock) {
        (false, _) => Memory::NothingToLock,
        (true, true) => Memory::Locked,
        (true, false) => Memory::NotPermitted,
    }
}

impl Hardening {
    /// Logs what was not reached.
    pub(crate) fn tell(self) {
        if !self.is_private {
            tracing::warn!("the process could not be made private: a core dump or a debugger may show keys");
        }
        if self.memory == Memory::NotPermitted {
            tracing::info!(
                "memory is not locked: keys may reach the swap of this machine; CAP_IPC_LOCK or an unlimited \
                 RLIMIT_MEMLOCK permits it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_locked_where_there_is_swap_and_a_right() {
        let (swap, none) = ("MemTotal: 9 kB\nSwapTotal:       8192 kB\n", "SwapTotal:             0 kB\n");
        for (meminfo, may_lock, expected) in [
            (swap, true, Memory::Locked),
            (swap, false, Memory::NotPermitted),
            (none, true, Memory::NothingToLock),
            (none, false, Memory::NothingToLock),
            // Where the kernel says nothing there may be swap.
            ("", true, Memory::Locked),
        ] {
            assert_eq!(wanted(meminfo, may_lock), expected, "{meminfo:?} {may_lock}");
        }
    }
}
