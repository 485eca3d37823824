//! The kinds of channels: what each can do and which settings it asks for.

use i18n::{Lang, t};
use notify::Address;
use serde::Serialize;
use ui::{Choice, Field, FieldKind};
use utoipa::ToSchema;
use web::{Ctx, Json, Page};

/// One answer of a field.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChoiceBody {
    /// The value to send.
    value: String,
    /// What it is called.
    label: String,
}

/// A setting.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldBody {
    /// Its key in `settings`.
    key: String,
    /// What it is called.
    label: String,
    /// What to write and why; may be empty.
    hint: String,
    /// An example; may be empty.
    example: String,
    /// `text`, `email`, `url`, `integer`, `quantity`, `secret`, `bool`, `duration`, `textarea`,
    /// `list`, `select`, `checks`, `time_of_day` or `date_time`.
    kind: &'static str,
    /// Whether it must be given.
    required: bool,
    /// The least value of an integer.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<i64>,
    /// The greatest value of an integer.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<i64>,
    /// The answers of `select` and `checks`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<ChoiceBody>,
}

/// A kind of channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct KindBody {
    /// Its permanent name, e.g. `mail`.
    kind: &'static str,
    /// What it is called.
    title: String,
    /// What it is for.
    help: String,
    /// Whether recipients need an address there: `required` or `optional`.
    address: &'static str,
    /// Characters of a text that arrive.
    text_chars_max: usize,
    /// Whether the notices of one problem appear as one thread.
    threads: bool,
    /// Whether the receiver can drop a repeated message.
    deduplicates: bool,
    /// The settings it asks for.
    fields: Vec<FieldBody>,
}

impl FieldBody {
    fn new(field: Field, lang: Lang) -> Self {
        let words = |key: &str| t(lang, key).to_owned();
        let (mut min, mut max, mut choices): (_, _, &[Choice]) = (None, None, &[]);
        let kind = match &field.kind {
            FieldKind::Text => "text",
            FieldKind::Email => "email",
            FieldKind::Url => "url",
            FieldKind::Integer {
                min: least,
                max: most,
            } => {
                (min, max) = (Some(*least), Some(*most));
                "integer"
            }
            FieldKind::Quantity => "quantity",
            FieldKind::Secret => "secret",
            FieldKind::Bool => "bool",
            FieldKind::Duration => "duration",
            FieldKind::Textarea { .. } => "textarea",
            FieldKind::List => "list",
            FieldKind::Select(list) => {
                choices = list;
                "select"
            }
            FieldKind::Checks(list) => {
                choices = list;
                "checks"
            }
            FieldKind::TimeOfDay => "time_of_day",
            FieldKind::DateTime => "date_time",
        };
        let choices = choices.iter().map(|choice| ChoiceBody {
            value: choice.value.to_string(),
            label: words(&choice.label),
        });
        Self {
            choices: choices.collect(),
            label: words(&field.label),
            hint: words(&field.hint),
            example: field.example.into_owned(),
            key: field.key.into_owned(),
            required: field.required,
            kind,
            min,
            max,
        }
    }
}

pub(crate) async fn list(ctx: Ctx) -> Json<Page<KindBody>> {
    let kinds = notify::ALL.into_iter().map(|channel| {
        let can = channel.capabilities();
        let fields = channel.fields().into_iter();
        KindBody {
            kind: channel.kind(),
            title: channel.title(ctx.lang),
            help: channel.help(ctx.lang),
            address: match can.address {
                Address::Required => "required",
                Address::Optional => "optional",
            },
            text_chars_max: can.text_chars_max,
            threads: can.threads,
            deduplicates: can.deduplicates,
            fields: fields
                .map(|field| FieldBody::new(field, ctx.lang))
                .collect(),
        }
    });
    Json(Page::whole(kinds))
}
