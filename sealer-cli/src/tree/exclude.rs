//! Files that the user leaves out, by globs as in a `.gitignore`.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Search;
use crate::diagnostics::CliError;

/// Whether all globs are globs.
pub(crate) fn check_globs(search: &Search) -> Result<(), CliError> {
    Exclude::new(&search.exclude).map(drop)
}

/// The globs of `--exclude`.
#[derive(Debug)]
pub(super) struct Exclude(Gitignore);

impl Exclude {
    pub(super) fn new(globs: &[String]) -> Result<Self, CliError> {
        let wrong = |glob: &str, error: &ignore::Error| {
            CliError::command_line(format!("--exclude {glob} is no glob: {error}"))
                .hint("globs are those of a .gitignore: --exclude vendor/ --exclude '*.bak'")
        };
        let mut builder = GitignoreBuilder::new("");
        for glob in globs {
            builder.add_line(None, glob).map_err(|error| wrong(glob, &error))?;
        }
        builder.build().map(Self).map_err(|error| wrong("", &error))
    }

    /// Whether a path below a folder that was named matches: as seen from that folder, or as it was named.
    pub(super) fn holds(&self, path: &Path, folder: Option<&Path>, is_folder: bool) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let plain: PathBuf = path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect();
        let below = folder.and_then(|folder| path.strip_prefix(folder).ok());
        [Some(plain.as_path()), below].into_iter().flatten().any(|path| self.matches(path, is_folder))
    }

    /// Whether the path or a folder above it matches; the innermost match counts, as in Git.
    fn matches(&self, path: &Path, is_folder: bool) -> bool {
        let inside = path.ancestors().filter(|path| !path.as_os_str().is_empty()).enumerate();
        for (above, path) in inside {
            match self.0.matched(path, is_folder || above > 0) {
                Match::None => {}
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn globs_match_as_in_a_gitignore() {
        for (globs, path, is_out) in [
            (&["vendor/"][..], "deploy/a/vendor/x.yaml", true),
            (&["vendor/"], "deploy/vendor", false),
            (&["*.bak"], "deploy/a/b.bak", true),
            (&["/a"], "deploy/a/b.yaml", true),
            (&["/a"], "deploy/b/a/b.yaml", false),
            (&["deploy/a"], "deploy/a/b.yaml", true),
            (&["a/**/c.yaml"], "deploy/a/b/b/c.yaml", true),
            (&["*.yaml", "!keep.yaml"], "deploy/keep.yaml", false),
            (&["*.yaml", "!keep.yaml"], "deploy/other.yaml", true),
            (&["# no glob"], "deploy/# no glob", false),
            (&[], "deploy/a.yaml", false),
        ] {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            let exclude = Exclude::new(&globs).unwrap();
            for root in ["", "./", "/"] {
                let folder = PathBuf::from(format!("{root}deploy"));
                let path = PathBuf::from(format!("{root}{path}"));
                assert_eq!(exclude.holds(&path, Some(&folder), false), is_out, "{globs:?} {}", path.display());
            }
        }
        let error = Exclude::new(&["[z-a]".to_owned()]).unwrap_err();
        assert!(error.message().starts_with("--exclude [z-a] is no glob: "), "{}", error.message());
    }
}
