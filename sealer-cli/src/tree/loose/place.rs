//! Where a sealed value stands among names.

/// Where a value stands among the values of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// `db`, `password`.
    Path(Vec<String>),
    /// What stands ahead of it on its line, in a text that is no YAML.
    Name(String),
    #[default]
    Unknown,
}

impl Place {
    /// The names that lead to its neighbours, too.
    pub(crate) fn parent(&self) -> Vec<String> {
        match self {
            Self::Path(path) => path.split_last().map(|(_, above)| above.to_vec()).unwrap_or_default(),
            Self::Name(_) | Self::Unknown => Vec::new(),
        }
    }
}
