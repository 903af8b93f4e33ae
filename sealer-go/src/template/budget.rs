//! What a template may use, and what of it is left.

use std::fmt;
use std::time::Duration;

use super::error::Fault;

/// The bounds of rendering. The default suits a controller that renders templates of strangers.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Actions, function calls and elements visited, for one object.
    pub steps: u64,
    /// Bytes that one template may write.
    pub item_output: u64,
    /// Bytes that all templates of one object may write together.
    pub object_output: u64,
    /// Bytes that one template may take for its own parts and for values, temporary ones too. What was taken for a
    /// moment only is given back; no other value is.
    pub allocation: u64,
    /// Time for all templates of one object.
    pub time: Duration,
    /// Templates that call each other.
    pub recursion: usize,
    /// Blocks, parentheses and calls inside each other.
    pub nesting: usize,
    /// Parts of one parsed template.
    pub nodes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1_000_000,
            item_output: 1 << 20,
            object_output: 4 << 20,
            allocation: 10 << 20,
            time: Duration::from_millis(100),
            recursion: 64,
            nesting: 250,
            nodes: 60_000,
        }
    }
}

/// What is left of the [`Limits`] for one object. `clock` tells the time since any fixed moment.
pub struct Budget<'a> {
    limits: Limits,
    clock: &'a dyn Fn() -> Duration,
    deadline: Duration,
    steps: u64,
    until_clock: u64,
    object_output: u64,
    item_output: u64,
    allocation: u64,
    least_allocation: u64,
    nodes: u64,
    unrepeatable: bool,
}

impl<'a> Budget<'a> {
    /// Begins an object: its time runs from now on.
    pub fn new(limits: Limits, clock: &'a dyn Fn() -> Duration) -> Self {
        Self {
            limits,
            clock,
            deadline: clock().saturating_add(limits.time),
            steps: limits.steps,
            until_clock: CLOCK_INTERVAL,
            object_output: limits.object_output,
            item_output: limits.item_output,
            allocation: limits.allocation,
            least_allocation: limits.allocation,
            nodes: limits.nodes,
            unrepeatable: false,
        }
    }

    /// The bounds that this budget began with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The largest number of bytes that the present template had taken at any moment.
    pub fn allocated(&self) -> u64 {
        self.limits.allocation - self.least_allocation
    }

    /// The steps that all templates of the object took so far.
    pub fn steps_taken(&self) -> u64 {
        self.limits.steps - self.steps
    }

    /// Whether a template showed what Go shows anew in each run: an address in memory, or a reading of its second clock.
    /// Here both are the same each time.
    pub fn showed_unrepeatable(&self) -> bool {
        self.unrepeatable
    }

    pub(crate) fn show_unrepeatable(&mut self) {
        self.unrepeatable = true;
    }

    pub(crate) fn begin_item(&mut self) {
        self.item_output = self.limits.item_output;
        self.allocation = self.limits.allocation;
        self.least_allocation = self.limits.allocation;
        self.nodes = self.limits.nodes;
    }

    pub(crate) fn step(&mut self) -> Result<(), Fault> {
        self.steps(1)
    }

    pub(crate) fn steps(&mut self, count: u64) -> Result<(), Fault> {
        let Some(left) = self.steps.checked_sub(count) else {
            // Nothing more may be done for this object, whatever it costs.
            self.steps = 0;
            return Err(Fault::Limit("too many steps"));
        };
        self.steps = left;
        self.until_clock = self.until_clock.saturating_sub(count);
        if self.until_clock == 0 { self.check_clock() } else { Ok(()) }
    }

    pub(crate) fn check_clock(&mut self) -> Result<(), Fault> {
        self.until_clock = CLOCK_INTERVAL;
        if (self.clock)() > self.deadline { Err(Fault::Limit(OUT_OF_TIME)) } else { Ok(()) }
    }

    /// Takes memory before it is asked for.
    pub(crate) fn allocate(&mut self, bytes: usize) -> Result<(), Fault> {
        self.allocation = self.allocation.checked_sub(bytes as u64).ok_or(Fault::Limit("too much memory"))?;
        self.least_allocation = self.least_allocation.min(self.allocation);
        self.steps(1 + bytes as u64 / BYTES_PER_STEP)
    }

    /// Gives back what was taken for a moment only.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.allocation = self.allocation.saturating_add(bytes as u64).min(self.limits.allocation);
    }

    /// Counts the reading of so many bytes, where one step reads `rate` of them.
    pub(crate) fn read(&mut self, bytes: usize, rate: u32) -> Result<(), Fault> {
        self.steps((bytes as u64).checked_div(rate.into()).unwrap_or(0))
    }

    pub(crate) fn write(&mut self, bytes: usize) -> Result<(), Fault> {
        let bytes = bytes as u64;
        self.item_output = self.item_output.checked_sub(bytes).ok_or(Fault::Limit("too long a result"))?;
        self.object_output = self.object_output.checked_sub(bytes).ok_or(Fault::Limit("too long results"))?;
        self.steps(1 + bytes / BYTES_PER_STEP)
    }

    pub(crate) fn node(&mut self) -> Result<(), Fault> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Fault::Limit("too large a template"))?;
        self.allocate(BYTES_PER_NODE)
    }

    /// Runs what was allowed to be slow, outside the object's time.
    pub(crate) fn off_the_clock<T>(&mut self, slow: impl FnOnce() -> T) -> T {
        let before = (self.clock)();
        let result = slow();
        let spent = (self.clock)().saturating_sub(before);
        self.deadline = self.deadline.saturating_add(spent);
        result
    }
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("steps", &self.steps)
            .field("allocation", &self.allocation)
            .field("item_output", &self.item_output)
            .field("object_output", &self.object_output)
            .finish_non_exhaustive()
    }
}

/// The one reason that the machine decides and not the template.
pub const OUT_OF_TIME: &str = "out of time";
/// Steps between two looks at the clock.
const CLOCK_INTERVAL: u64 = 256;
/// What a part of a parsed template takes.
const BYTES_PER_NODE: usize = 128;
/// Copying this many bytes costs as much as one step.
const BYTES_PER_STEP: u64 = 256;
