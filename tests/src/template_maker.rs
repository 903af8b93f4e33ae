//! Which templates are worth comparing? Random ones, of all functions and methods whose result can be repeated, with
//! arguments from tables of edge values.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Makes the same templates for the same seed.
#[derive(Debug)]
pub struct Maker {
    random: StdRng,
    functions: Vec<(&'static str, &'static str)>,
    /// The receiver's kind, the method's name, and the kinds of its arguments.
    methods: Vec<(char, &'static str, &'static str)>,
    arguments: BTreeMap<char, Vec<&'static str>>,
    /// Parts that several of make one argument.
    parts: BTreeMap<char, Vec<&'static str>>,
}

impl Maker {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        let mut arguments: BTreeMap<char, Vec<_>> = BTreeMap::new();
        let mut parts: BTreeMap<char, Vec<_>> = BTreeMap::new();
        for (kind, text) in lines(ARGUMENTS) {
            let (table, kind) = kind.strip_prefix('~').map_or((&mut arguments, kind), |kind| (&mut parts, kind));
            table.entry(kind.chars().next().unwrap_or('a')).or_default().push(text);
        }
        Self {
            random: StdRng::seed_from_u64(seed),
            functions: lines(FUNCTIONS).collect(),
            methods: methods().collect(),
            arguments,
            parts,
        }
    }

    /// The next template.
    pub fn template(&mut self) -> String {
        match self.random.random_range(0..16_u8) {
            0 => format!("{{{{ if {} }}}}yes{{{{ else }}}}no{{{{ end }}}}", self.argument('a', 2)),
            1 => format!(
                "{{{{ range $i, $v := {} }}}}{{{{ $i }}}}={{{{ $v }}}};{{{{ else }}}}none{{{{ end }}}}",
                self.argument('l', 1)
            ),
            2 => format!("{{{{ with {} }}}}[{{{{ . }}}}]{{{{ end }}}}", self.argument('a', 2)),
            3 => format!("{{{{ $x := {} }}}}{{{{ $x }}}}|{{{{ printf \"%v %T\" $x $x }}}}", self.argument('a', 1)),
            4 => format!("{{{{ {} | {} }}}}", self.argument('a', 1), self.argument('|', 0)),
            5 => format!("{{{{ {} | toJson }}}}", self.argument('a', 2)),
            6 => format!("{{{{ {} | {} }}}}", self.call(1), self.argument('|', 0)),
            7..=9 => format!("{{{{ {} }}}}", self.method()),
            10 => {
                let method = self.method();
                format!("{{{{ $x := {method} }}}}{{{{ printf \"%v %T %#v\" $x $x $x }}}} {{{{ $x | toJson }}}}")
            }
            11 => format!("{{{{ {} | {} }}}}", self.method(), self.argument('|', 0)),
            _ => format!("{{{{ {} }}}}", self.call(2)),
        }
    }

    /// So many calls of each function and of each method and field of every value.
    pub fn of_each(&mut self, calls: usize) -> Vec<String> {
        let mut all = Vec::new();
        for (name, kinds) in self.functions.clone() {
            for _ in 0..calls {
                let mut call = name.to_owned();
                self.push_arguments(&mut call, kinds, 1);
                all.push(format!("{{{{ {call} }}}}"));
            }
        }
        for (receiver, name, kinds) in self.methods.clone() {
            for _ in 0..calls {
                let call = self.method_of(receiver, name, kinds);
                all.push(format!("{{{{ {call} | printf \"%v %T\" }}}}"));
            }
        }
        all
    }

    fn pick<T: Copy + Default>(random: &mut StdRng, from: &[T]) -> T {
        if from.is_empty() {
            return T::default();
        }
        from.get(random.random_range(0..from.len())).copied().unwrap_or_default()
    }

    fn call(&mut self, depth: u8) -> String {
        let (name, kinds) = Self::pick(&mut self.random, &self.functions);
        let mut call = name.to_owned();
        self.push_arguments(&mut call, kinds, depth);
        call
    }

    fn push_arguments(&mut self, call: &mut String, kinds: &str, depth: u8) {
        for kind in kinds.chars() {
            // Now and then an argument of another kind, which must fail in the same way.
            let kind = if self.random.random_ratio(1, 40) { 'a' } else { kind };
            call.push(' ');
            call.push_str(&self.argument(kind, depth.saturating_sub(1)));
        }
        if self.random.random_ratio(1, 150) {
            call.push_str(" 1");
        }
    }

    /// A method of a value, or one of what a method gave.
    fn method(&mut self) -> String {
        let (receiver, name, kinds) = Self::pick(&mut self.random, &self.methods);
        let call = self.method_of(receiver, name, kinds);
        if self.random.random_ratio(2, 3) {
            return call;
        }
        let (_, next, kinds) = Self::pick(&mut self.random, &self.methods);
        let apart = call.contains(' ') && self.random.random_ratio(3, 4);
        let mut chain = if apart { format!("({call}).{next}") } else { format!("{call}.{next}") };
        self.push_arguments(&mut chain, kinds, 1);
        chain
    }

    fn method_of(&mut self, receiver: char, name: &str, kinds: &str) -> String {
        let mut value = self.argument(receiver, 0);
        if !value.starts_with('(') || self.random.random_ratio(1, 12) {
            value = format!("(index (list {value}) 0)");
        }
        let mut call = format!("{value}.{name}");
        self.push_arguments(&mut call, kinds, 1);
        call
    }

    fn argument(&mut self, kind: char, depth: u8) -> String {
        if depth > 0 && self.random.random_ratio(1, 4) {
            return format!("({})", self.call(depth));
        }
        if depth > 0 && self.random.random_ratio(1, 40) {
            return format!("({})", self.method());
        }
        let kind = if kind == 'a' { Self::pick(&mut self.random, &ANY) } else { kind };
        let composed =
            self.parts.get(&kind).filter(|_| !self.arguments.contains_key(&kind) || self.random.random_ratio(1, 2));
        if let Some(parts) = composed {
            let count = self.random.random_range(1..=6);
            let all: String = (0..count).map(|_| Self::pick(&mut self.random, parts)).collect();
            return format!("\"{all}\"");
        }
        self.arguments.get(&kind).map_or("nil", |all| Self::pick(&mut self.random, all)).to_owned()
    }
}

/// Kinds that stand for any.
const ANY: [char; 13] = ['s', 's', 'i', 'f', 'l', 'l', 'd', 'b', 'x', 'T', 'V', 'S', 'B'];

/// The methods and fields of all values: the receiver's kind, the name, and the arguments' kinds.
fn methods() -> impl Iterator<Item = (char, &'static str, &'static str)> {
    lines(METHODS).filter_map(|(kind, rest)| {
        let mut words = rest.split(' ');
        let (name, kinds) = (words.next()?, words.next()?);
        Some((kind.chars().next()?, name, kinds.trim_start_matches('-')))
    })
}

fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

const ARGUMENTS: &str = include_str!("../template-oracle/arguments.txt");
const FUNCTIONS: &str = include_str!("../template-oracle/functions.txt");
const METHODS: &str = include_str!("../template-oracle/methods.txt");
