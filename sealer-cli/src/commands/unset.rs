//! `sealer unset`: takes one item out of a SealedSecret in a file, and nothing else of it.

use crate::args::files::{FileArgs, non_empty};
use crate::commands::rewrite::{Rewrite, Writing, WritingArgs};
use crate::commands::set::told;
use crate::commands::target::{self, Target, TargetArgs};
use crate::diagnostics::CliError;
use crate::names;
use crate::tree::SealedItem;
use crate::ui::Ui;

/// Take one item out of a SealedSecret in a file.
///
/// Takes the lines of one item out, and nothing else: a comment above it stays. No key and no cluster is needed.
#[derive(Debug, clap::Args)]
#[command(override_usage = "sealer unset [FLAGS] FILE ITEM", after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Namespace of the SealedSecret, if the file holds several.
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    writing: WritingArgs,
    #[command(flatten)]
    files: FileArgs,
}

/// Which item of which file goes.
#[derive(Debug)]
struct Unset {
    target: Target,
    item: String,
    writing: Writing,
}

impl Args {
    fn checked(self) -> Result<Unset, CliError> {
        let [file, item] = self.files.exactly("unset", "a file and the name of an item", EXAMPLE)?;
        let target = self.target.of(file, non_empty(self.namespace)).map_err(|error| error.hint(EXAMPLE))?;
        Ok(Unset { target, item, writing: self.writing.into() })
    }
}

pub(crate) fn run(args: Args, ui: &mut Ui) -> Result<(), CliError> {
    unset(&args.checked()?, ui)
}

fn unset(request: &Unset, ui: &mut Ui) -> Result<(), CliError> {
    let target = &request.target;
    let file = Rewrite::read(&target.file)?;
    let mut place = String::new();
    file.finish_in_turn(request.writing, ui, |text| {
        let edited = target::parsed(&target.file, text)?;
        let object = target::object(&edited, text, target)?;
        place = format!("item `{}` of {}", target::item(&object, &request.item), target::full_name(&object));
        let item = object.items.iter().find(|item| item.name == request.item).ok_or_else(|| {
            let shown = |item: &SealedItem| match target::is_item_name(&item.name) {
                true => item.name.clone(),
                false => names::name(&item.name),
            };
            let names: Vec<String> = object.items.iter().map(shown).collect();
            let there = if names.is_empty() { "no item".to_owned() } else { names.join(", ") };
            CliError::new(format!("there is no {place}")).hint(format!("it has {there}"))
        })?;
        edited.without_entry(&item.path).map_err(|error| target::refused(&target.file, &error))
    })?;
    ui.notice(&told(&place, "removed", request.writing));
    Ok(())
}

const EXAMPLE: &str = "sealer unset sealed.yaml password";
const EXAMPLES: &str = "Examples:
  sealer unset sealed.yaml password
  sealer unset all.yaml password --name db --namespace shop --dry-run --diff";
