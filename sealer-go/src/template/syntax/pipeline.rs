//! Reads the commands and operands of a pipeline.

use super::literal::{self, NumberError};
use super::parser::{Parsed, Parser};
use super::token::{Token, TokenKind};
use super::tree::{Command, Operand, OperandKind, Pipe};
use crate::template::costs::FAST;
use crate::template::functions;
use crate::template::value::quote::{excerpt, go_quote};

impl<'t> Parser<'t, '_, '_> {
    pub(super) fn pipeline(&mut self, context: &'static str, end: TokenKind) -> Parsed<Pipe<'t>> {
        let mut pipe = Pipe {
            position: self.peek_non_space().position,
            assigns: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        self.count_node()?;
        while self.declaration(context, &mut pipe)? {}
        loop {
            let token = self.next_non_space();
            if token.kind == end {
                self.check_pipeline(&pipe, context)?;
                pipe.commands.shrink_to_fit();
                return Ok(pipe);
            }
            if !begins_operand(token.kind) {
                return Err(self.unexpected(token, context));
            }
            self.backup();
            let command = self.command()?;
            pipe.commands.push(command);
        }
    }

    /// Reads one variable before `:=`, `=` or a comma. True where another one must follow.
    fn declaration(&mut self, context: &'static str, pipe: &mut Pipe<'t>) -> Parsed<bool> {
        let variable = self.peek_non_space();
        if variable.kind != TokenKind::Variable {
            return Ok(false);
        }
        self.next();
        let after = self.peek();
        let next = self.peek_non_space();
        match next.kind {
            TokenKind::Assign | TokenKind::Declare => {
                pipe.assigns = next.kind == TokenKind::Assign;
                self.next_non_space();
                self.declare(variable, pipe);
                Ok(false)
            }
            TokenKind::Character if next.text == "," => {
                self.next_non_space();
                self.declare(variable, pipe);
                self.second_variable(context, pipe)
            }
            _ if after.kind == TokenKind::Space => {
                self.put_back(&[variable, after]);
                Ok(false)
            }
            _ => {
                self.put_back(&[variable]);
                Ok(false)
            }
        }
    }

    fn declare(&mut self, variable: Token<'t>, pipe: &mut Pipe<'t>) {
        pipe.variables.push(variable.text);
        self.scope.variables.push(variable.text);
    }

    fn second_variable(&mut self, context: &'static str, pipe: &Pipe<'t>) -> Parsed<bool> {
        if context != "range" || pipe.variables.len() > 1 {
            return Err(self.error("too many variables", &format!("too many declarations in {context}")));
        }
        match self.peek_non_space().kind {
            TokenKind::Variable | TokenKind::RightDelimiter | TokenKind::RightParenthesis => Ok(true),
            _ => Err(self.error("a variable is missing", "range can only initialize variables")),
        }
    }

    fn check_pipeline(&self, pipe: &Pipe<'t>, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return Err(self.error("a value is missing", &format!("missing value for {context}")));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let constant = matches!(
                command.operands.first().map(|operand| &operand.kind),
                Some(
                    OperandKind::Bool(_)
                        | OperandKind::Dot
                        | OperandKind::Nil
                        | OperandKind::Number(_)
                        | OperandKind::Text { .. }
                )
            );
            if constant {
                let text = format!("non executable command in pipeline stage {}", index + 1);
                return Err(self.error("a pipeline passes its value to what is no function", &text));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command<'t>> {
        let mut operands = Vec::new();
        self.count_node()?;
        loop {
            self.peek_non_space();
            operands.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                TokenKind::Space => continue,
                TokenKind::RightDelimiter | TokenKind::RightParenthesis => self.backup(),
                TokenKind::Pipe => {}
                _ => return Err(self.unexpected(token, "operand")),
            }
            break;
        }
        if operands.is_empty() {
            return Err(self.error("a command is missing", "empty command"));
        }
        operands.shrink_to_fit();
        Ok(Command { operands })
    }

    fn operand(&mut self) -> Parsed<Option<Operand<'t>>> {
        let Some(operand) = self.term()? else {
            return Ok(None);
        };
        self.count_node()?;
        if self.peek().kind != TokenKind::Field {
            return Ok(Some(operand));
        }
        let position = self.peek().position;
        let mut names = Vec::new();
        while self.peek().kind == TokenKind::Field {
            self.count_node()?;
            names.push(field_name(self.next()));
        }
        let kind = match operand.kind {
            OperandKind::Field(mut known) => {
                known.extend(names);
                OperandKind::Field(known)
            }
            OperandKind::Variable(mut known) => {
                known.extend(names);
                OperandKind::Variable(known)
            }
            OperandKind::Function(..) | OperandKind::Pipe(_) | OperandKind::Chain(..) => {
                OperandKind::Chain(Box::new(operand), names)
            }
            _ => {
                let text = format!("unexpected . after term {}", go_quote(excerpt(operand.source().as_bytes())));
                return Err(self.error("a constant has no fields", &text));
            }
        };
        Ok(Some(Operand { position, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Operand<'t>>> {
        let token = self.next_non_space();
        let kind = match token.kind {
            TokenKind::Identifier => match functions::find(token.text) {
                Some(function) => OperandKind::Function(token.text, function),
                None => {
                    let text = format!("function {} not defined", go_quote(excerpt(token.text.as_bytes())));
                    return Err(self.error("there is no such function", &text));
                }
            },
            TokenKind::Dot => OperandKind::Dot,
            TokenKind::Nil => OperandKind::Nil,
            TokenKind::Variable => self.known_variable(token)?,
            TokenKind::Field => OperandKind::Field(vec![field_name(token)]),
            TokenKind::Bool => OperandKind::Bool(token.text == "true"),
            TokenKind::CharacterConstant | TokenKind::Complex | TokenKind::Number => self.number(token)?,
            TokenKind::LeftParenthesis => {
                let pipe =
                    self.nested(|parser| parser.pipeline("parenthesized pipeline", TokenKind::RightParenthesis))?;
                return Ok(Some(Operand { position: pipe.position, kind: OperandKind::Pipe(Box::new(pipe)) }));
            }
            TokenKind::QuotedText | TokenKind::RawText => {
                OperandKind::Text { source: token.text, value: self.unquoted(token)?.into() }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Operand { position: token.position, kind }))
    }

    /// Counts a search among the variables that are known here.
    fn count_search(&mut self, name: &str) -> Parsed<()> {
        let work = self.scope.variables.len().saturating_mul(NAME + name.len());
        self.budget.read(work, FAST).map_err(|fault| self.fault(fault))
    }

    fn known_variable(&mut self, token: Token<'t>) -> Parsed<OperandKind<'t>> {
        self.count_search(token.text)?;
        if self.scope.variables.contains(&token.text) {
            return Ok(OperandKind::Variable(vec![token.text]));
        }
        let text = format!("undefined variable {}", go_quote(excerpt(token.text.as_bytes())));
        Err(self.error("there is no such variable", &text))
    }

    fn number(&self, token: Token<'t>) -> Parsed<OperandKind<'t>> {
        let parsed = match token.kind {
            TokenKind::CharacterConstant => literal::character_constant(token.text),
            TokenKind::Complex => literal::complex(token.text),
            _ => literal::number(token.text),
        };
        let quoted = || go_quote(excerpt(token.text.as_bytes()));
        parsed.map(|number| OperandKind::Number(Box::new(number))).map_err(|error| match error {
            NumberError::MalformedCharacter => {
                self.error("wrong character constant", &format!("malformed character constant: {}", token.text))
            }
            NumberError::Overflow => self.error("too large a number", &format!("integer overflow: {}", quoted())),
            NumberError::Illegal => self.error("wrong number", &format!("illegal number syntax: {}", quoted())),
            NumberError::InvalidSyntax => self.error("wrong escape in a character", "invalid syntax"),
        })
    }
}

fn field_name(token: Token<'_>) -> &str {
    token.text.strip_prefix('.').unwrap_or(token.text)
}

fn begins_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Bool
            | TokenKind::CharacterConstant
            | TokenKind::Complex
            | TokenKind::Dot
            | TokenKind::Field
            | TokenKind::Identifier
            | TokenKind::Number
            | TokenKind::Nil
            | TokenKind::RawText
            | TokenKind::QuotedText
            | TokenKind::Variable
            | TokenKind::LeftParenthesis
    )
}

/// What it takes to look at a variable, beside its name.
const NAME: usize = 16;
