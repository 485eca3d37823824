//! Rule documents: compared, applied, written back, and refused with a line number.

use watch::{ApplyOptions, read_rules, write_rules};

use super::{KIM, LEE, all, on_both, rule, with_threshold};

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_compared_applied_and_written_back() {
    on_both(async |watch, _| {
        let ship = vec![("filesystem".to_owned(), rule("disk-used"))];
        watch.install_defaults(ship).await.unwrap();
        watch.create_rule(rule("mine"), KIM).await.unwrap();
        watch.create_rule(rule("gone"), KIM).await.unwrap();
        let wanted = vec![
            with_threshold("disk-used", "used > 97%"),
            rule("mine"),
            rule("new"),
        ];
        let text = write_rules(&wanted).unwrap();
        let read = read_rules("rules.yaml", &text).unwrap().rules;
        assert_eq!(read, wanted);

        let how = ApplyOptions {
            dry_run: true,
            prune: true,
        };
        let dry = watch.apply_rules(read.clone(), how, LEE).await.unwrap();
        assert_eq!(
            (dry.created.as_slice(), dry.unchanged.as_slice()),
            (&["new".to_owned()][..], &["mine".to_owned()][..])
        );
        assert_eq!(dry.retired, ["gone"]);
        assert_eq!(dry.changed[0].0, "disk-used");
        let change = &dry.changed[0].1[0];
        assert_eq!(change.what, "levels.major.any");
        assert!(change.before.contains("used > 95%") && change.after.contains("used > 97%"));
        assert_eq!(
            watch.rules(&all()).await.unwrap().len(),
            3,
            "nothing was done yet"
        );

        let how = ApplyOptions {
            dry_run: false,
            prune: true,
        };
        assert_eq!(
            watch.apply_rules(read.clone(), how, LEE).await.unwrap(),
            dry
        );
        let again = watch.apply_rules(read, how, LEE).await.unwrap();
        assert_eq!(again.unchanged, ["disk-used", "mine", "new"]);
        assert!(again.created.is_empty() && again.changed.is_empty() && again.retired.is_empty());
        assert!(watch.rule_by_key("disk-used").await.unwrap().edited);
        let exported = watch.export_rules(&all()).await.unwrap();
        assert_eq!(read_rules("x.yml", &exported).unwrap().rules, wanted);
    })
    .await;
}

#[test]
fn a_wrong_document_names_its_line() {
    let good = write_rules(&[rule("disk-used")]).unwrap();
    let said = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        read_rules("rules.yaml", &good.replacen(from, to, 1))
            .unwrap_err()
            .to_string()
    };
    let unknown = said("group: disk", "gruop: disk");
    assert!(
        unknown.starts_with("line ") && unknown.contains("unknown field `gruop`"),
        "{unknown}"
    );
    let condition = said("used > 95%", "used > 95 percent");
    assert!(
        condition.starts_with("line ") && condition.contains("unknown unit"),
        "{condition}"
    );
    assert_eq!(
        said("version: 1", "version: 7"),
        "line 2: version 7 is not known: this program reads version 1"
    );
    let order = said("used > 95%", "used > 5%");
    assert!(
        order.starts_with("line 4: ") && order.contains("thresholds must rise"),
        "{order}"
    );
    let twice = write_rules(&[rule("a"), rule("a")]).unwrap();
    let twice = read_rules("rules.yaml", &twice).unwrap_err().to_string();
    assert!(twice.ends_with("rule `a` is given twice"), "{twice}");
    let toml = read_rules("rules.toml", "version = 1\n[[rules]]\nkee = \"x\"\n").unwrap_err();
    assert_eq!(toml.line, Some(3), "{toml}");
}

#[test]
fn the_examples_of_the_reference_are_read_as_they_stand() {
    let english = include_str!("../../../../docs/rules.md");
    let korean = include_str!("../../../../docs/rules.ko.md");
    for text in [english, korean] {
        let blocks: Vec<&str> = text.split("```yaml\n").skip(1).collect();
        let example = |at: usize| blocks[at].split("```").next().unwrap();
        let file = read_rules("rules.yaml", example(0)).unwrap();
        assert_eq!((file.rules.len(), file.rules[0].levels.len()), (1, 3));
        let values: judge::Values = serde_json::from_value(
            serde_norway::from_str::<serde_json::Value>(example(1)).unwrap(),
        )
        .unwrap();
        assert!(values.levels[1].off);
        let tests = format!("version: 1\n{}", example(2));
        assert_eq!(read_rules("tests.yaml", &tests).unwrap().tests.len(), 2);
    }
}
