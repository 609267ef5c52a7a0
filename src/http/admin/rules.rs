//! `/admin/rules`: the rules of this process, and the file of them that can be edited.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::operator::Operator;
use crate::http::reply::problem::Problem;
use crate::http::state::ServerState;
use crate::rules::{EditError, EditedRules, RulesWatch};

/// The rules that this process applies.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppliedRules {
    /// The rules, the built-in one included.
    rules: Vec<AppliedRule>,
    /// The number of their fences.
    fences: usize,
    /// When they were read, in Unix seconds.
    loaded_at: Option<i64>,
    /// Why the files, as they are now, are invalid, each with the file, the rule and the key; empty if they are valid.
    /// The rules are then the last ones that were valid.
    errors: Vec<String>,
    /// The file that can be edited; `null` if none is configured.
    edited: Option<EditableFile>,
}

/// A rule that is applied.
#[derive(Serialize, ToSchema)]
struct AppliedRule {
    /// Its name.
    name: String,
    /// Its condition as it is understood, in words.
    condition: String,
    /// `info`, `warning` or `critical`.
    severity: String,
}

/// The file of rules that can be edited.
#[derive(Serialize, ToSchema)]
struct EditableFile {
    /// Its path on the server.
    file: String,
    /// Its text, YAML or JSON; empty if the file does not exist.
    text: String,
    /// Identifies the text, for `If-Match`.
    version: String,
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotEditable => Self::not_found(error),
            EditError::Conflict => Self::conflict(error),
            EditError::Invalid(rules) => Self::bad_request(rules.lines().join("\n")),
            EditError::File(..) => {
                log::warn!(error:%; "failed to access the edited rules");
                Self::unavailable(error)
            }
        }
    }
}

fn applied(watch: &RulesWatch) -> Result<AppliedRules, Problem> {
    let (status, (_, rules)) = (watch.status(), watch.rules().current());
    let rule = |rule: &actors::detect::RuleSpec| AppliedRule {
        name: rule.name.to_string(),
        condition: rule.when.to_string(),
        severity: rule.severity.to_string(),
    };
    let edited = watch.edited()?.map(|EditedRules { file, text, version }| EditableFile {
        file: file.display().to_string(),
        text,
        version,
    });
    Ok(AppliedRules {
        rules: rules.rules().iter().map(rule).collect(),
        fences: rules.fences(),
        loaded_at: status.loaded_at.map(|at| at.0),
        errors: status.error.map(|error| error.lines()).unwrap_or_default(),
        edited,
    })
}

/// Runs work on files on a thread of its own.
async fn with_files<T: Send + 'static>(
    watch: &Arc<RulesWatch>,
    work: impl FnOnce(&RulesWatch) -> T + Send + 'static,
) -> Result<T, Problem> {
    let watch = Arc::clone(watch);
    web::block(move || work(&watch)).await.map_err(|_| Problem::unavailable("the server is stopping"))
}

/// The rules that raise alerts
///
/// How each rule is understood, and the text of the file that can be edited (`detect.edited_rules`).
#[utoipa::path(get, path = "/admin/rules", tag = "operations", security(("operator" = [])), responses(
    (status = 200, description = "The rules.", body = AppliedRules),
    (status = 404, description = "This process does not detect.", content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn rules(_: Operator, state: web::Data<ServerState>) -> Result<HttpResponse, Problem> {
    let rules = with_files(state.rules()?, applied).await??;
    let mut response = HttpResponse::Ok();
    if let Some(edited) = &rules.edited {
        response.insert_header((ETAG, format!("\"{}\"", edited.version)));
    }
    Ok(response.insert_header((CACHE_CONTROL, "no-store")).json(rules))
}

/// Edit the rules
///
/// Replaces the file of rules that can be edited (`detect.edited_rules`), if all rules are then valid. They apply to the
/// next states. GeoJSON files that a fence names must be below the folder of that file.
#[utoipa::path(put, path = "/admin/rules", tag = "operations", security(("operator" = [])),
    params(("If-Match" = Option<String>, Header,
        description = "The `version` on which the text is based. Without it, the file is replaced in any case.")),
    request_body(content = String, content_type = "application/yaml", description = "The text of the file, up to 4 MiB."),
    responses(
        (status = 202, description = "The file was written.", content_type = "application/json", body = Object),
        (status = 400, description = "The rules are invalid: one line for each fault, with the file, the rule and the key.",
            content_type = "application/problem+json", body = Problem),
        (status = 404, description = "This process does not detect, or no file is configured.",
            content_type = "application/problem+json", body = Problem),
        (status = 409, description = "The file has changed since it was read.",
            content_type = "application/problem+json", body = Problem),
        (status = 413, description = "The text is longer than 4 MiB.",
            content_type = "application/problem+json", body = Problem)))]
pub(crate) async fn edit_rules(
    _: Operator,
    request: HttpRequest,
    state: web::Data<ServerState>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let watch = state.rules()?;
    let version = request.headers().get(IF_MATCH).and_then(|value| value.to_str().ok());
    let version = version.map(|version| version.trim().trim_matches('"').to_owned()).filter(|version| version != "*");
    let limit = usize::try_from(RulesWatch::MAX_EDITED).unwrap_or(usize::MAX);
    let body = body.to_bytes_limited(limit).await;
    let body = body.map_err(|_| Problem::content_too_large(format_args!("the rules are longer than {limit} bytes")))?;
    let body = body.map_err(|error| Problem::bad_request(format_args!("failed to read the rules: {error}")))?;
    let text = textfile::decode(body.to_vec()).map_err(Problem::bad_request)?;
    let rules = with_files(watch, move |watch| watch.edit(&text, version.as_deref())).await??;
    log::info!(rules = rules.rules().len(), fences = rules.fences(); "the operator has edited the rules");
    let accepted = json!({ "status": "accepted", "rules": rules.rules().len(), "fences": rules.fences() });
    Ok(HttpResponse::Accepted().insert_header((CACHE_CONTROL, "no-store")).json(accepted))
}
