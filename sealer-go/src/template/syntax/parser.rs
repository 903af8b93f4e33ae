//! Reads the blocks and actions of a template.

use std::collections::BTreeMap;

use super::lexer::Lexer;
use super::literal;
use super::token::{Token, TokenKind};
use super::tree::{Branch, Node, Trees, is_empty};
use crate::template::budget::Budget;
use crate::template::costs::{OVERHEAD, PLAIN};
use crate::template::error::{ErrorClass, Fault, TemplateError, Texts};
use crate::template::value::quote::{excerpt, go_quote};

/// Parses the template `name` and all that its text defines.
pub(crate) fn parse<'t>(name: &'t str, text: &'t str, budget: &mut Budget<'_>) -> Result<Trees<'t>, TemplateError> {
    let mut parser = Parser {
        name,
        text,
        lexer: Lexer::new(text),
        budget,
        templates: BTreeMap::new(),
        scope: Scope::default(),
        depth: 0,
    };
    let read = parser.budget.read(text.len(), PLAIN);
    read.map_err(|fault| parser.fault(fault))?;
    let root = parser.parse_all()?;
    parser.add(name.to_owned(), root)?;
    Ok(Trees { name, text, templates: parser.templates })
}

pub(super) struct Parser<'t, 'b, 'c> {
    name: &'t str,
    text: &'t str,
    lexer: Lexer<'t>,
    pub(super) budget: &'b mut Budget<'c>,
    templates: BTreeMap<String, Vec<Node<'t>>>,
    pub(super) scope: Scope<'t>,
    depth: usize,
}

/// What each definition has of its own.
pub(super) struct Scope<'t> {
    tokens: [Option<Token<'t>>; 3],
    peeked: usize,
    pub(super) variables: Vec<&'t str>,
    ranges: usize,
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self { tokens: [None; 3], peeked: 0, variables: vec!["$"], ranges: 0 }
    }
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ListEnd {
    End,
    Else,
}

impl ListEnd {
    fn shown(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Item<'t> {
    Node(Node<'t>),
    End(ListEnd),
}

pub(super) type Parsed<T> = Result<T, TemplateError>;

impl<'t> Parser<'t, '_, '_> {
    pub(super) fn next(&mut self) -> Token<'t> {
        if self.scope.peeked > 0 {
            self.scope.peeked -= 1;
        } else if let Some(first) = self.scope.tokens.first_mut() {
            *first = Some(self.lexer.next_token());
        }
        self.token(self.scope.peeked)
    }

    fn token(&self, index: usize) -> Token<'t> {
        self.scope.tokens.get(index).copied().flatten().unwrap_or(Token {
            kind: TokenKind::Eof,
            position: 0,
            line: 1,
            text: "",
            message: "",
            wrong: None,
        })
    }

    pub(super) fn backup(&mut self) {
        self.scope.peeked += 1;
    }

    /// Puts tokens back before the one that was only peeked at; the last of `tokens` comes first again last.
    pub(super) fn put_back(&mut self, tokens: &[Token<'t>]) {
        for (slot, token) in self.scope.tokens.iter_mut().skip(1).zip(tokens.iter().rev()) {
            *slot = Some(*token);
        }
        self.scope.peeked = tokens.len() + 1;
    }

    pub(super) fn peek(&mut self) -> Token<'t> {
        if self.scope.peeked == 0 {
            self.next();
            self.scope.peeked = 1;
        }
        self.token(self.scope.peeked - 1)
    }

    pub(super) fn next_non_space(&mut self) -> Token<'t> {
        loop {
            let token = self.next();
            if token.kind != TokenKind::Space {
                return token;
            }
        }
    }

    pub(super) fn peek_non_space(&mut self) -> Token<'t> {
        let token = self.next_non_space();
        self.backup();
        token
    }

    pub(super) fn error(&self, reason: &'static str, go_text: &str) -> TemplateError {
        let token = self.token(0);
        let before = self.text.get(..token.position).unwrap_or(self.text);
        TemplateError {
            class: ErrorClass::Parse,
            line: token.line,
            column: before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1,
            function: None,
            reason,
            texts: Box::new(Texts { go: format!("template: {}:{}: {go_text}", self.name, token.line), public: None }),
        }
    }

    pub(super) fn fault(&self, fault: Fault) -> TemplateError {
        let class = fault.class();
        let reason = fault.reason();
        TemplateError { class, ..self.error(reason, &fault.into_go_text()) }
    }

    pub(super) fn unexpected(&self, token: Token<'t>, context: &str) -> TemplateError {
        if token.kind == TokenKind::Error {
            return self.error(token.message, &token.shown());
        }
        let reason = match token.kind {
            TokenKind::Eof => "unexpected end",
            TokenKind::End | TokenKind::Else => "unexpected end or else",
            TokenKind::RightDelimiter => "something is missing before the end of the action",
            _ => "unexpected character or word",
        };
        self.error(reason, &format!("unexpected {} in {context}", token.shown()))
    }

    pub(super) fn expect(&mut self, kind: TokenKind, context: &str) -> Parsed<Token<'t>> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(token, context)) }
    }

    pub(super) fn count_node(&mut self) -> Parsed<()> {
        self.budget.node().map_err(|fault| self.fault(fault))
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAXIMUM_DEPTH.min(self.budget.limits().nesting) {
            return Err(self.fault(Fault::Limit("nested too deep")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn parse_all(&mut self) -> Parsed<Vec<Node<'t>>> {
        let mut nodes = Vec::new();
        while self.peek().kind != TokenKind::Eof {
            if self.peek().kind == TokenKind::LeftDelimiter {
                let delimiter = self.next();
                if self.next_non_space().kind == TokenKind::Define {
                    self.parse_definition()?;
                    continue;
                }
                self.put_back(&[delimiter]);
            }
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                Item::End(end) => {
                    return Err(self.error("end or else without a block", &format!("unexpected {}", end.shown())));
                }
            }
        }
        Ok(nodes)
    }

    fn parse_definition(&mut self) -> Parsed<()> {
        let outer = std::mem::take(&mut self.scope);
        let token = self.next_non_space();
        let name = self.template_name(token, "define clause")?;
        self.expect(TokenKind::RightDelimiter, "define clause")?;
        self.finish_definition(name, "define clause")?;
        self.scope = outer;
        Ok(())
    }

    fn finish_definition(&mut self, name: String, context: &str) -> Parsed<()> {
        let (nodes, end) = self.nested(Self::item_list)?;
        if end != ListEnd::End {
            let text = format!("unexpected {} in {context}", end.shown());
            return Err(self.error("else without if, range or with", &text));
        }
        self.add(name, nodes)
    }

    fn add(&mut self, name: String, nodes: Vec<Node<'t>>) -> Parsed<()> {
        match self.templates.get(&name) {
            Some(known) if !is_empty(known) => {
                if is_empty(&nodes) {
                    return Ok(());
                }
                let shown = go_quote(excerpt(name.as_bytes()));
                let text = format!("template: multiple definition of template {shown}");
                Err(self.error("a template is defined twice", &text))
            }
            _ => {
                self.templates.insert(name, nodes);
                Ok(())
            }
        }
    }

    fn template_name(&mut self, token: Token<'t>, context: &str) -> Parsed<String> {
        match token.kind {
            TokenKind::QuotedText | TokenKind::RawText => {
                let name = self.unquoted(token)?;
                Ok(crate::template::value::lossy(&name).into_owned())
            }
            _ => Err(self.unexpected(token, context)),
        }
    }

    pub(super) fn unquoted(&mut self, token: Token<'t>) -> Parsed<Vec<u8>> {
        self.budget.allocate(token.text.len() + OVERHEAD).map_err(|fault| self.fault(fault))?;
        literal::unquote(token.text).ok_or_else(|| self.error("wrong escape in a text", "invalid syntax"))
    }

    fn item_list(&mut self) -> Parsed<(Vec<Node<'t>>, ListEnd)> {
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != TokenKind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                Item::End(end) => {
                    nodes.shrink_to_fit();
                    return Ok((nodes, end));
                }
            }
        }
        Err(self.error("a block has no end", "unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Parsed<Item<'t>> {
        self.count_node()?;
        let token = self.next_non_space();
        match token.kind {
            TokenKind::Text => Ok(Item::Node(Node::Text(token.text))),
            TokenKind::LeftDelimiter => self.action(token.line),
            _ => Err(self.unexpected(token, "input")),
        }
    }

    fn action(&mut self, line: usize) -> Parsed<Item<'t>> {
        self.parse_action().map_err(|mut error| {
            // Go tells where an action began that does not end on its line.
            if error.texts.go.ends_with(": unclosed action") && error.line != line {
                error.texts.go.push_str(&format!(" started at {}:{line}", self.name));
            }
            error
        })
    }

    fn parse_action(&mut self) -> Parsed<Item<'t>> {
        let token = self.next_non_space();
        Ok(match token.kind {
            TokenKind::Block => Item::Node(self.block()?),
            TokenKind::Break => Item::Node(self.loop_control(token, "{{break}}", Node::Break)?),
            TokenKind::Continue => Item::Node(self.loop_control(token, "{{continue}}", Node::Continue)?),
            TokenKind::Else => Item::End(self.else_control()?),
            TokenKind::End => {
                self.expect(TokenKind::RightDelimiter, "end")?;
                Item::End(ListEnd::End)
            }
            TokenKind::If => Item::Node(Node::If(self.branch("if")?)),
            TokenKind::Range => Item::Node(Node::Range(self.branch("range")?)),
            TokenKind::With => Item::Node(Node::With(self.branch("with")?)),
            TokenKind::Template => Item::Node(self.template()?),
            _ => {
                self.backup();
                let position = self.peek().position;
                Item::Node(Node::Action { position, pipe: self.pipeline("command", TokenKind::RightDelimiter)? })
            }
        })
    }

    fn loop_control(&mut self, token: Token<'t>, word: &str, node: fn(usize) -> Node<'t>) -> Parsed<Node<'t>> {
        let next = self.next_non_space();
        if next.kind != TokenKind::RightDelimiter {
            return Err(self.unexpected(next, word));
        }
        if self.scope.ranges == 0 {
            return Err(self.error("break or continue outside a range", &format!("{word} outside {{{{range}}}}")));
        }
        Ok(node(token.position))
    }

    fn else_control(&mut self) -> Parsed<ListEnd> {
        if !matches!(self.peek_non_space().kind, TokenKind::If | TokenKind::With) {
            self.expect(TokenKind::RightDelimiter, "else")?;
        }
        Ok(ListEnd::Else)
    }

    fn branch(&mut self, context: &'static str) -> Parsed<Branch<'t>> {
        let known = self.scope.variables.len();
        let branch = self.nested(|parser| parser.parse_branch(context));
        self.scope.variables.truncate(known);
        branch
    }

    fn parse_branch(&mut self, context: &'static str) -> Parsed<Branch<'t>> {
        let position = self.peek_non_space().position;
        let pipe = self.pipeline(context, TokenKind::RightDelimiter)?;
        let is_range = usize::from(context == "range");
        self.scope.ranges += is_range;
        let (body, end) = self.item_list()?;
        self.scope.ranges -= is_range;
        let otherwise = if end == ListEnd::Else { Some(self.otherwise(context)?) } else { None };
        Ok(Branch { position, pipe, body, otherwise })
    }

    fn otherwise(&mut self, context: &'static str) -> Parsed<Vec<Node<'t>>> {
        match (context, self.peek().kind) {
            ("if", TokenKind::If) => {
                self.next();
                Ok(vec![Node::If(self.branch("if")?)])
            }
            ("with", TokenKind::With) => {
                self.next();
                Ok(vec![Node::With(self.branch("with")?)])
            }
            _ => {
                let (nodes, end) = self.item_list()?;
                if end == ListEnd::End {
                    return Ok(nodes);
                }
                Err(self.error("a block has two else", &format!("expected end; found {}", end.shown())))
            }
        }
    }

    fn block(&mut self) -> Parsed<Node<'t>> {
        let token = self.next_non_space();
        let name = self.template_name(token, "block clause")?;
        let pipe = self.pipeline("block clause", TokenKind::RightDelimiter)?;
        let outer = std::mem::take(&mut self.scope);
        self.finish_definition(name.clone(), "block clause")?;
        self.scope = outer;
        Ok(Node::Template { position: token.position, name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Parsed<Node<'t>> {
        let token = self.next_non_space();
        let name = self.template_name(token, "template clause")?;
        let pipe = if self.next_non_space().kind == TokenKind::RightDelimiter {
            None
        } else {
            self.backup();
            Some(self.pipeline("template clause", TokenKind::RightDelimiter)?)
        };
        Ok(Node::Template { position: token.position, name, pipe })
    }
}

/// Blocks and parentheses inside each other: what a thread's stack bears.
const MAXIMUM_DEPTH: usize = 64;
