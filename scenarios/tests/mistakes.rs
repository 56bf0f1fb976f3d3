//! A mistake in a case file is answered with the file, the line, the column, and what would be right.

use scenarios::scenario::Scenario;

#[track_caller]
fn assert_answer(text: &str, answer: &str) {
    let mistake = Scenario::read("cases/x.yaml", text).expect_err("this should be a mistake").to_string();
    assert_eq!(mistake, answer.trim_end(), "\nit said:\n{mistake}\n");
}

#[test]
fn a_step_that_does_not_exist_is_answered_with_the_nearest() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - create-namespace: vk
  - expct: { pod: vk/nginx, is: Running }
"##,
        r##"error: there is no step `expct`; did you mean `expect`?
  cases/x.yaml:5:5
  5 |   - expct: { pod: vk/nginx, is: Running }
    |     ^^^^^
"##,
    );
}

#[test]
fn a_step_that_is_like_no_other_is_answered_with_all_of_them() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - frobnicate: { pod: vk/nginx }
"##,
        r##"error: there is no step `frobnicate`
  cases/x.yaml:4:5
  4 |   - frobnicate: { pod: vk/nginx }
    |     ^^^^^^^^^^
  the steps are: create-namespace, label, run, apply, delete, drain, expect, expect-event,
                 expect-log, expect-node, expect-object, expect-pods, expect-usage, expect-group,
                 expect-bill, advance, inject, lift-faults, script, crash, resize, account,
                 stop-provider, start-provider, configure-provider, kubectl
"##,
    );
}

#[test]
fn a_field_that_does_not_exist() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pdo: vk/nginx, is: Running }
"##,
        r##"error: `expect` has no `pdo`; did you mean `pod`?
  cases/x.yaml:4:15
  4 |   - expect: { pdo: vk/nginx, is: Running }
    |               ^^^
"##,
    );
}

#[test]
fn a_word_that_is_nearly_one() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: vk/nginx, is: Runing }
"##,
        r##"error: `is` cannot be `Runing`; did you mean `Running`?
  cases/x.yaml:4:34
  4 |   - expect: { pod: vk/nginx, is: Runing }
    |                                  ^^^^^^
"##,
    );
}

#[test]
fn a_word_that_is_none() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: vk/nginx, is: Walking }
"##,
        r##"error: `is` cannot be `Walking`
  cases/x.yaml:4:34
  4 |   - expect: { pod: vk/nginx, is: Walking }
    |                                  ^^^^^^^
  it can be: Pending, Running, Succeeded, Failed, Unknown, gone
"##,
    );
}

#[test]
fn a_span_without_a_unit() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: vk/nginx, is: Running, within: 60 }
"##,
        r##"error: `60` is not a span; write it as `250ms`, `60s`, `90m` or `1h30m`
  cases/x.yaml:4:51
  4 |   - expect: { pod: vk/nginx, is: Running, within: 60 }
    |                                                   ^^
"##,
    );
}

#[test]
fn a_text_where_a_number_belongs() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: vk/nginx, restarts: many }
"##,
        r##"error: `restarts` should be a whole number, not `many`
  cases/x.yaml:4:40
  4 |   - expect: { pod: vk/nginx, restarts: many }
    |                                        ^^^^
"##,
    );
}

#[test]
fn a_list_where_a_name_belongs() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: [vk, nginx], is: Running }
"##,
        r##"error: `pod` should be a text, not a list
  cases/x.yaml:4:20
  4 |   - expect: { pod: [vk, nginx], is: Running }
    |                    ^
"##,
    );
}

#[test]
fn a_name_that_names_no_pod() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: Vk/nginx, is: Running }
"##,
        r##"error: `Vk/nginx` does not name a pod; write `namespace/name`, as in `vk/nginx`
  cases/x.yaml:4:20
  4 |   - expect: { pod: Vk/nginx, is: Running }
    |                    ^^^^^^^^
"##,
    );
}

#[test]
fn a_case_of_another_version_is_told_before_all_else() {
    assert_answer(
        r##"scenario: A claim
cites: a source
version: 0
stages: []
"##,
        r##"error: this case is written in version 0 of case files, which is no longer read; CHANGELOG.md says what version 1 changed
  cases/x.yaml:3:10
  3 | version: 0
    |          ^
"##,
    );
    assert_answer(
        r##"scenario: A claim
cites: a source
version: 2
steps: []
"##,
        r##"error: this case is written in version 2 of case files, and this program reads version 1; play it with a newer one
  cases/x.yaml:3:10
  3 | version: 2
    |          ^
"##,
    );
}

#[test]
fn a_field_that_is_missing_is_told_at_the_step() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - run:
      pod: vk/nginx
"##,
        r##"error: `run` needs `image`
  cases/x.yaml:4:5
  4 |   - run:
    |     ^^^
"##,
    );
}

#[test]
fn an_expectation_of_nothing() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: vk/nginx }
"##,
        r##"error: `expect` says nothing about the pod; add `is: Running` or the like
  cases/x.yaml:4:5
  4 |   - expect: { pod: vk/nginx }
    |     ^^^^^^
"##,
    );
}

#[test]
fn two_steps_in_one() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - run: { pod: vk/nginx, image: nginx }
    expect: { pod: vk/nginx, is: Running }
"##,
        r##"error: `run` and `expect` are two steps; begin each with its own `- `
  cases/x.yaml:5:5
  5 |     expect: { pod: vk/nginx, is: Running }
    |     ^^^^^^
"##,
    );
}

#[test]
fn a_step_without_what_it_needs() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect
"##,
        r##"error: `expect` says nothing; write `- expect: …`
  cases/x.yaml:4:5
  4 |   - expect
    |     ^^^^^^
"##,
    );
}

#[test]
fn something_that_is_no_step() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - [a]
"##,
        r##"error: a step should be a verb and what it needs, as in `- advance: 1h`, not a list
  cases/x.yaml:4:5
  4 |   - [a]
    |     ^
"##,
    );
}

#[test]
fn an_amount_that_is_no_number() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect-bill: { total: much }
"##,
        r##"error: `total` should be a number, not `much`
  cases/x.yaml:4:27
  4 |   - expect-bill: { total: much }
    |                           ^^^^
"##,
    );
}

#[test]
fn a_shell_where_there_is_none() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - kubectl: get pods | wc -l
"##,
        r##"error: `|` is for a shell, and no shell reads this; quote it or leave it out
  cases/x.yaml:4:14
  4 |   - kubectl: get pods | wc -l
    |              ^^^^^^^^^^^^^^^^
"##,
    );
}

#[test]
fn a_bracket_that_is_not_closed() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - run: { pod: vk/nginx, image: nginx
"##,
        r##"error: this is not YAML: unclosed bracket '{'
  cases/x.yaml:4:10
  4 |   - run: { pod: vk/nginx, image: nginx
    |          ^
"##,
    );
}

#[test]
fn a_key_that_is_given_twice() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - run: { pod: vk/nginx, pod: vk/nginx, image: nginx }
"##,
        r##"error: `pod` is given twice; keep one of the two
  cases/x.yaml:4:27
  4 |   - run: { pod: vk/nginx, pod: vk/nginx, image: nginx }
    |                           ^^^
"##,
    );
}

#[test]
fn an_empty_file() {
    assert_answer(
        r##""##,
        r##"error: the file says nothing; a case has `scenario`, `cites` and `steps`
  cases/x.yaml:1:1
  1 | 
    | ^
"##,
    );
}

#[test]
fn a_case_without_its_source() {
    assert_answer(
        r##"scenario: A claim
steps:
  - stop-provider
"##,
        r##"error: a case needs `cites`
  cases/x.yaml:1:1
  1 | scenario: A claim
    | ^
"##,
    );
}

#[test]
fn a_case_without_steps() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps: []
"##,
        r##"error: a case without steps shows nothing; add at least one
  cases/x.yaml:3:8
  3 | steps: []
    |        ^
"##,
    );
}

#[test]
fn a_capability_that_does_not_exist() {
    assert_answer(
        r##"scenario: A claim
cites: a source
needs: [kubctl]
steps:
  - stop-provider
"##,
        r##"error: `needs` cannot be `kubctl`; did you mean `kubectl`?
  cases/x.yaml:3:9
  3 | needs: [kubctl]
    |         ^^^^^^
"##,
    );
}

#[test]
fn a_field_in_has_that_the_kind_does_not_have() {
    assert_answer(
        r##"scenario: A claim
cites: a source
steps:
  - expect: { pod: vk/nginx, has: { metdata: { deletionTimestamp: null } } }
"##,
        r##"error: Pod has no field `metdata`; did you mean `metadata`?
  cases/x.yaml:4:5
  4 |   - expect: { pod: vk/nginx, has: { metdata: { deletionTimestamp: null } } }
    |     ^^^^^^
"##,
    );
}

#[test]
fn a_file_that_is_a_list() {
    assert_answer(
        r##"- scenario: A claim
"##,
        r##"error: a case should be a mapping, not a list
  cases/x.yaml:1:1
  1 | - scenario: A claim
    | ^
"##,
    );
}
