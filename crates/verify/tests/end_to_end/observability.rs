//! What an operator is told of a running server, and what is made of it: every metric explains itself, the page that
//! lists them is true, and dashboard and alerts ask for what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::Command;

use client::Endpoint;
use client::http::Http;
use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use protocol::http::Credentials;
use serde::Deserialize;
use serde_json::Value;
use verify::process::{Server, program};

use crate::support::{Device, Session, server, until};

/// What Prometheus adds by itself.
const OF_PROMETHEUS: [&str; 1] = ["up"];

/// A file of the repository.
fn file(path: &str) -> String {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", path].iter().collect();
    std::fs::read_to_string(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()))
}

/// A metric, as it says itself or as the page has it.
#[derive(Debug, Default, Clone, PartialEq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

/// What a server gives that was used.
async fn exported() -> BTreeMap<String, Metric> {
    let server = server(&["tls.self_signed=true"]).await;
    let _connected = used(&server).await;
    parse(&server.admin("/metrics").await.unwrap())
}

/// Two people sign up, talk in a group and alone, read, and one is refused.
async fn used(server: &Server) -> [Session; 2] {
    let pem = std::fs::read_to_string(server.data().join("secrets/tls-certificate.pem")).unwrap();
    let endpoint = Endpoint::with_root_certificate(server.base(), pem.as_bytes()).unwrap();
    let http = Http::at(endpoint.clone());
    let mut devices = vec![];
    for handle in ["ada", "bob"] {
        let credentials = Credentials {
            handle: handle.to_owned(),
            password: "a long password".to_owned(),
            device_name: None,
        };
        devices.push(Device::at(endpoint.clone(), http.sign_up(&credentials).await.unwrap()));
    }
    let [ada, bob] = &devices[..] else { unreachable!("two were made") };
    let group = ada.group(&[bob], true).await;
    let (mut here, mut there) = (ada.connect().await, bob.connect().await);
    here.say(ada.with(bob), "hello").await;
    let sent = here.say(group, "all").await;
    there.hears(group, "all").await;
    there.read(group, sent.position).await;
    there.sync(None).await;
    http.sign_in(&Credentials { handle: "ada".to_owned(), password: "wrong".to_owned(), device_name: None })
        .await
        .unwrap_err();
    [here, there]
}

/// Reads the text form; a series without its heading has no type and no help.
fn parse(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", "HELP", name, help] => metrics.entry(name.to_owned()).or_default().help = help.to_owned(),
            ["#", "TYPE", name, kind] => metrics.entry(name.to_owned()).or_default().kind = kind.to_owned(),
            _ => {
                let (series, value) = line.rsplit_once(' ').unwrap();
                value.parse::<f64>().unwrap();
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                let of = |part: &str| name.strip_suffix(part).filter(|name| metrics.contains_key(*name));
                let name = ["_bucket", "_sum", "_count"].into_iter().find_map(of).unwrap_or(name).to_owned();
                let keys = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
                let keys = keys.map(|(key, _)| key.to_owned()).filter(|key| key != "le");
                metrics.entry(name).or_default().labels.extend(keys);
            }
        }
    }
    metrics
}

/// The page's tables.
fn listed() -> BTreeMap<String, Metric> {
    let page = file("docs/metrics.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, help] = cells[..] else { return None };
        let bare = |code: &str| code.trim().trim_matches('`').to_owned();
        let labels = labels.split(',').map(bare).filter(|label| !label.is_empty()).collect();
        name.starts_with('`')
            .then(|| (bare(name), Metric { kind: kind.to_owned(), labels, help: help.to_owned() }))
    };
    page.lines().filter_map(row).collect()
}

#[tokio::test]
async fn a_metric_is_not_explained_or_is_named_like_no_other() {
    for (name, Metric { kind, help, .. }) in exported().await {
        assert!(help.ends_with('.'), "{name} has no help: {help:?}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name} is a histogram of what?");
        let odd = name
            .split('_')
            .find(|word| ["microseconds", "milliseconds", "ms", "us", "kib", "mib"].contains(word));
        assert_eq!(odd, None, "{name}: seconds and bytes are the units");
    }
}

#[tokio::test]
async fn what_happened_is_counted_as_nothing_or_twice() {
    let server = server(&["tls.self_signed=true"]).await;
    let _connected = used(&server).await;
    let is = async |name: &str, labels: &str, value: f64| {
        until(&format!("{name} {value}"), async || server.metric(name, labels).await.unwrap() == value).await;
    };
    is("gateway_sessions", "", 2.0).await;
    is("registry_sessions", "", 2.0).await;
    until("connections", async || server.metric("gateway_connections", "").await.unwrap() >= 2.0).await;
    is("gateway_refusals_total", "\"invalid_credentials\"", 1.0).await;
    is("gateway_http_requests_total", "\"401\"", 1.0).await;
    is("gateway_sync_seconds_count", "", 1.0).await;
    is("accounts_password_seconds_count", "", 3.0).await;
    is("accounts_waiting_passwords", "", 0.0).await;
    is("messaging_submissions_total", "\"appended\"", 3.0).await;
    is("messaging_submissions_total", "", 3.0).await;
    is("messaging_ack_seconds_count", "", 3.0).await;
    is("messaging_cursor_moves_total", "", 1.0).await;
    is("messaging_under_way_records", "", 0.0).await;
    is("sequence_grants_total", "\"granted\"", 2.0).await;
    is("notification_entries_total", "", 3.0).await;
    is("bus_lag_records", "", 0.0).await;
}

#[tokio::test]
async fn the_page_of_metrics_is_not_true() {
    let (exported, listed) = (exported().await, listed());
    for (name, metric) in &exported {
        assert_eq!(listed.get(name), Some(metric), "docs/metrics.md does not say so of {name}");
    }
    let gone: Vec<&String> = listed.keys().filter(|name| !exported.contains_key(*name)).collect();
    assert!(gone.is_empty(), "docs/metrics.md lists what is not exported: {gone:?}");
}

/// What an expression asks for.
fn selectors(place: &str, expression: &str) -> Vec<VectorSelector> {
    struct Selectors(Vec<VectorSelector>);
    impl ExprVisitor for Selectors {
        type Error = Infallible;

        fn pre_visit(&mut self, part: &Expr) -> Result<bool, Infallible> {
            match part {
                Expr::VectorSelector(selector) => self.0.push(selector.clone()),
                Expr::MatrixSelector(range) => self.0.push(range.vs.clone()),
                _ => {}
            }
            Ok(true)
        }
    }
    // The dashboard's own name for "a few scrapes".
    let expression = expression.replace("$__rate_interval", "1m");
    let parsed = promql_parser::parser::parse(&expression)
        .unwrap_or_else(|error| panic!("{place} is no PromQL: {error}: {expression}"));
    let mut found = Selectors(vec![]);
    walk_expr(&mut found, &parsed).unwrap();
    assert!(!found.0.is_empty(), "{place} asks for nothing: {expression}");
    found.0
}

/// Holds an expression against what is exported; gives the metrics that it asks for. A histogram is asked for by its
/// parts.
fn hold(exported: &BTreeMap<String, Metric>, place: &str, expression: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for selector in selectors(place, expression) {
        let name = selector.name.unwrap();
        let of =
            |part: &str| exported.get(name.strip_suffix(part)?).filter(|metric| metric.kind == "histogram");
        let metric = match exported.get(&name) {
            Some(metric) => Some(metric).filter(|metric| metric.kind != "histogram"),
            None => ["_bucket", "_sum", "_count"].into_iter().find_map(of),
        };
        let labels = metric.map(|metric| metric.labels.clone()).unwrap_or_default();
        assert!(
            metric.is_some() || OF_PROMETHEUS.contains(&&*name),
            "{place} asks for `{name}`: there is none"
        );
        for label in selector.matchers.matchers {
            let known = labels.contains(&label.name) || ["instance", "job"].contains(&&*label.name);
            assert!(known, "{place} asks for the label `{}` of `{name}`, which has none", label.name);
        }
        names.insert(name);
    }
    names
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    r#for: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

fn alerts() -> Vec<Rule> {
    let rules: Rules = serde_saphyr::from_str(&file("deploy/observability/alerts.yaml")).unwrap();
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

#[tokio::test]
async fn an_alert_or_a_panel_asks_for_what_is_not_there() {
    let exported = exported().await;
    for alert in alerts() {
        hold(&exported, &alert.alert, &alert.expr);
    }
    let dashboard: Value = serde_json::from_str(&file("deploy/observability/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut asked = BTreeSet::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            asked.extend(hold(&exported, title, expression));
        }
    }
    for of_box in [
        "gateway_",
        "messaging_",
        "group_",
        "sequence_",
        "notification_",
        "accounts_",
        "registry_",
        "bus_",
        "store_",
    ] {
        assert!(asked.iter().any(|name| name.starts_with(of_box)), "no panel shows {of_box}");
    }
}

#[test]
fn an_alert_wakes_somebody_who_finds_nothing_to_do() {
    let (alerts, runbook) = (alerts(), file("docs/runbook.md"));
    let sections: BTreeMap<&str, &str> =
        runbook.split("\n## ").skip(1).filter_map(|section| section.split_once('\n')).collect();
    for alert in &alerts {
        let name = &alert.alert;
        let section =
            sections.get(&**name).unwrap_or_else(|| panic!("docs/runbook.md has no heading {name}"));
        for part in ["**Means:**", "**People notice:**", "**Look at:**", "**Mend:**"] {
            assert!(section.contains(part), "the runbook's {name} lacks {part}");
        }
        let url = format!("docs/runbook.md#{}", name.to_lowercase());
        assert!(alert.annotations["runbook_url"].ends_with(&url), "{name} does not lead to {url}");
        assert!(!alert.annotations["summary"].is_empty() && !alert.r#for.is_empty(), "{name}");
        assert!(["page", "ticket"].contains(&&*alert.labels["severity"]), "{name} is for nobody");
    }
    let known: BTreeSet<&str> = alerts.iter().map(|alert| &*alert.alert).collect();
    let unused: Vec<_> = sections.keys().filter(|name| !known.contains(*name)).collect();
    assert!(unused.is_empty(), "the runbook tells of alerts that there are not: {unused:?}");
}

#[test]
fn the_runbook_names_a_command_or_a_setting_that_there_is_not() {
    let run = |args: &[&str]| Command::new(program().unwrap()).args(args).output().unwrap();
    let runbook = file("docs/runbook.md");
    let quoted: Vec<String> =
        runbook.split('`').skip(1).step_by(2).map(|text| text.replace("\n  ", " ")).collect();
    let config = String::from_utf8(run(&["serve", "--print-config"]).stdout).unwrap();
    let config: Value = toml::from_str(&config).unwrap();
    for text in &quoted {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words[0] == "connect-chat" {
            let said = run(&[&words[1..], &["--help"]].concat());
            assert!(said.status.success(), "`{text}`: {}", String::from_utf8_lossy(&said.stderr));
        } else if let Some((section, key)) = text.split_once('.')
            && config[section].is_object()
        {
            assert!(!config[section][key].is_null(), "there is no setting `{text}`");
        }
    }
    assert!(quoted.iter().any(|text| text == "store.cache_mib"), "settings are not found in the runbook");
    assert!(quoted.iter().any(|text| text == "connect-chat admin doctor"), "nor are commands");
}

#[test]
fn the_scrape_config_finds_no_server_or_no_rules() {
    let config: Value = serde_saphyr::from_str(&file("deploy/observability/prometheus.yaml")).unwrap();
    assert_eq!(config["rule_files"][0], "alerts.yaml");
    let job = &config["scrape_configs"][0];
    assert_eq!(
        (&job["job_name"], &job["metrics_path"]),
        (&Value::from("connect-chat"), &Value::from("/metrics"))
    );
    assert_eq!(job["static_configs"][0]["targets"][0], "127.0.0.1:8081", "the default of admin_listen");
}
