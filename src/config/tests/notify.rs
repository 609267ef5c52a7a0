use super::*;

#[test]
fn endpoints_are_read_from_the_file_and_the_environment() {
    let file = "notify:\n  phone:\n    kind: ntfy\n    url: https://ntfy.sh/hush-topic\n    rules: [emergency-squawk, noise-*]\n  home:\n    kind: mqtt\n    url: mqtt://127.0.0.1\n    allow_private: true\n    user: flights\n";
    let sandbox = Sandbox::new()
        .file(file)
        .env("NOTIFY_HOME_PASSWORD", "hush-password")
        .env("NOTIFY_HOOK_KIND", "webhook")
        .env("NOTIFY_HOOK_URL", "https://example.org/hush-path")
        .env("NOTIFY_HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .env("NOTIFY_HOOK_MAX_AGE", "2h");
    let settings = sandbox.load().unwrap();
    let [home, hook, phone] = &settings.notify[..] else { panic!("{:?}", settings.notify) };
    assert_eq!((home.kind.name, hook.kind.name, phone.kind.name), ("mqtt", "webhook", "ntfy"));
    assert_eq!(hook.settings.max_age.as_secs(), 7200);
    let rules = &phone.settings.rules.0;
    assert!(rules.admits("noise-night") && rules.admits("emergency-squawk") && !rules.admits("fence"));
    assert!(hook.settings.rules.0.admits("anything"));

    let rendered = effective(&settings);
    assert_all(&rendered, &["notify:\n  home:\n    kind: mqtt  # ", "  phone:\n", "https://ntfy.sh/***"]);
    for shown in [rendered, format!("{settings:?}")] {
        assert!(!shown.contains("hush") && !shown.contains("MfKQ9"), "{shown}");
    }
}

#[test]
fn a_mistake_below_notify_is_shown_with_its_key_and_without_its_secret() {
    for (file, parts) in [
        ("a: {url: https://a.org/}", &["notify.a.kind", "it is missing", "webhook (posts JSON to a URL), ntfy"][..]),
        ("a: {kind: pigeon, url: https://a.org/}", &["notify.a.kind = \"pigeon\"", "unknown kind of endpoint"]),
        ("a: {kind: webhook}", &["notify.a.url", "it is missing", "https://example.org/hooks/flights"]),
        ("a: {kind: webhook, url: hunter2}", &["notify.a.url = ***", "it is not a URL"]),
        ("a: {kind: webhook, url: mqtt://a.org}", &["notify.a.url", "webhook needs https or http"]),
        ("a: {kind: webhook, url: http://10.1.2.3/}", &["notify.a.url", "the address is private; set allow_private"]),
        ("a: {kind: webhook, url: 'http://[::ffff:127.0.0.1]/'}", &["notify.a.url", "the address is loopback"]),
        ("a: {kind: webhook, url: https://a.org/, secret: hunter2}", &["notify.a.secret = ***", "whsec_ and Base64"]),
        ("a: {kind: ntfy, url: https://ntfy.sh/}", &["notify.a.url", "a topic of up to 64 letters"]),
        ("a: {kind: mqtt, url: mqtt://a.org/sky}", &["notify.a.url", "see topic_prefix"]),
        (
            "a: {kind: mqtt, url: mqtt://a.org, password: hunter2}",
            &["notify.a.user", "it is empty, and password is not"],
        ),
        ("a: {kind: mqtt, url: mqtt://a.org, topic_prefix: a/#}", &["notify.a.topic_prefix", "levels separated by /"]),
        ("a: {kind: ntfy, url: https://ntfy.sh/a, rules: ['*-night']}", &["notify.a.rules", "* is not at the end"]),
        ("a: {kind: ntfy, url: https://ntfy.sh/a, priority: 6}", &["notify.a.priority", "1", "5"]),
    ] {
        let error = Sandbox::new().file(&format!("notify:\n  {file}\n")).load().unwrap_err().to_string();
        assert_all(&error, parts);
        assert!(!error.contains("hunter2"), "{error}");
    }
}
