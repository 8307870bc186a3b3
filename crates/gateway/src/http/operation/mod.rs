//! Operations: a route, its handler, and what the document says of it, in one line of one table.
//!
//! The router and `docs/api/openapi.json` are both made from [`Operations`], and what an operation takes and gives is
//! told by the signature of its handler; so the document cannot name a path, a body or a parameter that is not served.

mod answers;
mod inputs;
mod signature;

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use domain::Code;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::hub::Hub;

pub(super) use answers::{Created, Document, MadeOrFound};
use signature::Described;
pub(crate) use signature::Signature;

/// Writes the schema of a type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a person writes about an operation; the rest its handler tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    /// Its name for generated clients.
    pub(crate) id: &'static str,
    /// What it is for, in a few words.
    pub(crate) summary: &'static str,
    /// What to know beyond that, in Markdown.
    pub(crate) details: &'static str,
    /// Why it may be refused, beside what its inputs may be refused for.
    pub(crate) refuses: &'static [&'static [Code]],
}

/// One operation, as the document tells it.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) about: About,
    pub(crate) signature: Signature,
}

/// A parameter in the path or a header.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    /// `path` or `header`.
    pub(crate) place: &'static str,
    pub(crate) required: bool,
    pub(crate) description: &'static str,
    pub(crate) schema: SchemaOf,
    pub(crate) example: fn() -> Value,
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) schema: SchemaOf,
    pub(crate) example: Option<fn() -> Value>,
}

/// The operations of the API, and the router that serves them.
#[derive(Default)]
pub(crate) struct Operations {
    pub(super) router: Router<Arc<Hub>>,
    /// Each tag, with what its operations are about.
    pub(crate) tags: Vec<(&'static str, &'static str)>,
    pub(crate) listed: Vec<Operation>,
}

impl Operations {
    /// The operations of one resource, to be filled.
    pub(super) fn of(tag: &'static str, about: &'static str) -> Self {
        Self { tags: vec![(tag, about)], ..Self::default() }
    }

    /// These and those.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            router: self.router.merge(other.router),
            tags: [self.tags, other.tags].concat(),
            listed: self.listed.into_iter().chain(other.listed).collect(),
        }
    }

    pub(super) fn get<H, T, S>(self, path: &'static str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Hub>> + Described<S>,
        T: 'static,
    {
        self.with(MethodFilter::GET, "get", path, handler, about)
    }

    pub(super) fn post<H, T, S>(self, path: &'static str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Hub>> + Described<S>,
        T: 'static,
    {
        self.with(MethodFilter::POST, "post", path, handler, about)
    }

    pub(super) fn put<H, T, S>(self, path: &'static str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Hub>> + Described<S>,
        T: 'static,
    {
        self.with(MethodFilter::PUT, "put", path, handler, about)
    }

    pub(super) fn patch<H, T, S>(self, path: &'static str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Hub>> + Described<S>,
        T: 'static,
    {
        self.with(MethodFilter::PATCH, "patch", path, handler, about)
    }

    pub(super) fn delete<H, T, S>(self, path: &'static str, handler: H, about: About) -> Self
    where
        H: Handler<T, Arc<Hub>> + Described<S>,
        T: 'static,
    {
        self.with(MethodFilter::DELETE, "delete", path, handler, about)
    }

    fn with<H, T, S>(
        mut self,
        filter: MethodFilter,
        method: &'static str,
        path: &'static str,
        handler: H,
        about: About,
    ) -> Self
    where
        H: Handler<T, Arc<Hub>> + Described<S>,
        T: 'static,
    {
        let tag = self.tags.last().map_or("", |(tag, _)| tag);
        self.listed.push(Operation { method, path, tag, about, signature: H::signature() });
        self.router = self.router.route(path, on(filter, handler));
        self
    }
}
