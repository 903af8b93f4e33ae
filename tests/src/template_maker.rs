//! Which templates are worth comparing? Random ones, of all functions whose result can be repeated.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Makes the same templates for the same seed.
#[derive(Debug)]
pub struct Maker {
    random: StdRng,
}

impl Maker {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed) }
    }

    /// The next template.
    pub fn template(&mut self) -> String {
        match self.random.random_range(0..12_u8) {
            0 => format!("{{{{ if {} }}}}yes{{{{ else }}}}no{{{{ end }}}}", self.argument('a', 2)),
            1 => format!(
                "{{{{ range $i, $v := {} }}}}{{{{ $i }}}}={{{{ $v }}}};{{{{ else }}}}none{{{{ end }}}}",
                self.argument('l', 1)
            ),
            2 => format!("{{{{ with {} }}}}[{{{{ . }}}}]{{{{ end }}}}", self.argument('a', 2)),
            3 => format!("{{{{ $x := {} }}}}{{{{ $x }}}}|{{{{ printf \"%v %T\" $x $x }}}}", self.argument('a', 1)),
            4 => format!("{{{{ {} | {} }}}}", self.argument('a', 1), self.argument('|', 0)),
            5 => format!("{{{{ {} | toJson }}}}", self.argument('a', 2)),
            _ => format!("{{{{ {} }}}}", self.call(2)),
        }
    }

    fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let index = self.random.random_range(0..from.len());
        from.get(index).copied().unwrap_or_default()
    }

    fn call(&mut self, depth: u8) -> String {
        let functions: Vec<(&str, &str)> = lines(FUNCTIONS).collect();
        let (name, kinds) = self.pick(&functions);
        let mut call = name.to_owned();
        for kind in kinds.chars() {
            // Now and then an argument of another kind, which must fail in the same way.
            let kind = if self.random.random_ratio(1, 25) { 'a' } else { kind };
            call.push(' ');
            call.push_str(&self.argument(kind, depth.saturating_sub(1)));
        }
        call
    }

    fn argument(&mut self, kind: char, depth: u8) -> String {
        if depth > 0 && self.random.random_ratio(1, 3) {
            return format!("({})", self.call(depth));
        }
        let kind = if kind == 'a' { self.pick(&['s', 'i', 'f', 'l', 'd', 'b']) } else { kind };
        let pool: Vec<&str> =
            lines(ARGUMENTS).filter(|(known, _)| known.starts_with(kind)).map(|(_, text)| text).collect();
        self.pick(&pool).to_owned()
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

const ARGUMENTS: &str = include_str!("../template-oracle/arguments.txt");
const FUNCTIONS: &str = include_str!("../template-oracle/functions.txt");
