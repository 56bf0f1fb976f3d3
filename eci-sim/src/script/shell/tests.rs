//! Tests of the reader with common commands.

use proptest::prelude::*;

use super::*;

fn nine() -> Timestamp {
    "2026-01-01T09:00:00Z".parse().unwrap()
}

fn played(words: &[&str]) -> Run {
    let env = [("NAME", "ECI"), ("POD_NAME", "web-1"), ("CODE", "7"), ("my.dotted-name", "dots")];
    read(words, RunContext { env: &env, started: nine(), ..RunContext::default() })
}

fn run(text: &str) -> Run {
    played(&["/bin/sh", "-c", text])
}

/// The lines of a script without its repeated rounds, and the second and the exit code of its end.
fn shell(text: &str) -> (String, Option<(u64, i32)>) {
    let run = run(text);
    let says: Vec<_> = run.says.iter().map(|(_, line)| line.as_str()).collect();
    (says.join("|"), run.ends.map(|(after, code)| (after.as_secs(), code)))
}

/// The last lines of a script after so many seconds, each with its second.
fn log(text: &str, seconds: u64, most: usize) -> String {
    let run = run(text);
    let lines = run.lines(nine(), Duration::from_secs(seconds), most);
    lines.iter().map(|(after, line)| format!("{} {line}\n", after.as_secs())).collect()
}

#[test]
fn a_limit_of_time_ends_its_command_and_nothing_that_was_begun_before() {
    for (text, says, ends) in [
        ("(sleep 5; echo late) & timeout 2 sleep 9; echo over; sleep 9", "over|late", Some((11, 0))),
        (
            "timeout 5 sh -c 'echo one; sleep 3; echo two; sleep 3; echo three'; echo $?",
            "one|two|124",
            Some((5, 0)),
        ),
        ("timeout 9 echo x; echo $?", "x|0", Some((0, 0))),
        (
            "timeout 5 sh -c 'while true; do echo x >> /tmp/f; sleep 2; done'; wc -l < /tmp/f",
            "3",
            Some((5, 0)),
        ),
    ] {
        assert_eq!(shell(text), (says.to_owned(), ends), "{text}");
    }
    assert_eq!(
        log("timeout 5 sh -c 'while true; do echo x; sleep 2; done'; echo y", 9, 9),
        "0 x\n2 x\n4 x\n5 y\n"
    );
}

#[test]
fn long_options_are_played_as_the_short_ones_or_reported_as_not_played() {
    let play = |text: &str| {
        let run = run(&format!("printf 'a:b\\nA:c\\n' > /tmp/f; {text}"));
        let says: Vec<_> = run.says.iter().map(|(_, line)| line.as_str()).collect();
        (says.join("|"), run.assumed.is_some())
    };
    for (text, says) in [
        ("grep --ignore-case --count a /tmp/f", "2"),
        ("grep --invert-match --regexp=a /tmp/f", "A:c"),
        ("grep --color=auto --line-number b /tmp/f", "1:a:b"),
        ("sed --quiet --expression=2p /tmp/f", "A:c"),
        ("sed --in-place s/a/x/ /tmp/f; head -n 1 /tmp/f", "x:b"),
        ("cut --delimiter=: --fields=2 /tmp/f", "b|c"),
    ] {
        assert_eq!(play(text), (says.to_owned(), false), "{text}");
    }
    for text in [
        "grep --perl-regexp a /tmp/f",
        "grep -r a /tmp",
        "grep -e a -e c /tmp/f",
        "sed --null-data p /tmp/f",
        "cut --complement -f1 /tmp/f",
    ] {
        assert!(play(text).1, "{text}");
    }
}

#[test]
fn a_loop_looks_at_files_however_often() {
    // each round looks at two files that it writes, too, so that none is like the one before
    let run = run(
        "while [ ! -f /tmp/no ] && [ $(wc -l < /tmp/f || echo 0) -lt 2500 ]; do echo x >> /tmp/f; sleep 1; done",
    );
    assert!(run.again.is_empty(), "{:?}", run.again.len());
}

#[test]
fn common_scripts_are_understood() {
    for (text, says, ends) in [
        ("echo hello; sleep 3600", "hello", Some((3600, 0))),
        ("echo x; exit 3", "x", Some((0, 3))),
        ("sleep 1m && exit 0", "", Some((60, 0))),
        ("sleep 1m 30s", "", Some((90, 0))),
        ("false || echo no && sleep 2", "no", Some((2, 0))),
        ("false && echo never", "", Some((0, 1))),
        ("true; false", "", Some((0, 1))),
        ("echo 'a  b' \"c $NAME\" ${NAME} '$NAME'", "a  b c ECI ECI $NAME", Some((0, 0))),
        ("echo \"$POD_NAME\"; exit $CODE", "web-1", Some((0, 7))),
        ("echo ${UNSET:-none} ${NAME:+some} ${#NAME} \"${X:=set}\" $X", "none some 3 set set", Some((0, 0))),
        ("echo warning >&2; sleep 1", "warning", Some((1, 0))),
        ("echo hidden > /tmp/x; echo more 2>/dev/null", "more", Some((0, 0))),
        ("{ echo one; echo two; } > /tmp/x; (exit 4); echo $?", "4", Some((0, 0))),
        ("# nothing\necho one\necho two", "one|two", Some((0, 0))),
        ("echo a b*~+/=", "a b*~+/=", Some((0, 0))),
        ("echo -n one; echo ' two'; printf '%s-%03d\\n' a 7 b 8", "one two|a-007|b-008", Some((0, 0))),
        ("exec sleep 5", "", Some((5, 0))),
        ("set -e; export A=1; B=2 C=\"x y\"; echo $A$B \"$C\"", "12 x y", Some((0, 0))),
        ("if [ -f /tmp/x ]; then echo there; else echo not; fi", "not", Some((0, 0))),
        ("if test \"$CODE\" -gt 3 && [ $NAME = ECI ]; then exit 2; fi", "", Some((0, 2))),
        ("[ -z \"$NONE\" ] || exit 1; [[ $NAME == ECI ]] && echo yes", "yes", Some((0, 0))),
        ("! false && echo ok", "ok", Some((0, 0))),
        ("for i in 1 2 3; do echo $i; sleep 1; done", "1|2|3", Some((3, 0))),
        (
            "for i in {1..3}; do echo $i; done; for i in $(seq 2); do echo s$i; done",
            "1|2|3|s1|s2",
            Some((0, 0)),
        ),
        ("i=0; while [ $i -lt 3 ]; do i=$((i + 1)); echo $i; sleep 2; done; exit 9", "1|2|3", Some((6, 9))),
        ("until false; do echo x; break; done; echo end", "x|end", Some((0, 0))),
        (
            "for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done",
            "1|3",
            Some((0, 0)),
        ),
        ("trap 'echo bye' EXIT; echo hi; sleep 3; exit 5", "hi|bye", Some((3, 5))),
        ("trap 'exit 0' TERM INT; sleep 30 & wait", "", Some((30, 0))),
        ("(sleep 9; echo late) & echo early; wait", "early|late", Some((9, 0))),
        ("echo $((2 * (3 + 4) % 5)) $((CODE - 10)) $(echo in $(echo ner))", "4 -3 in ner", Some((0, 0))),
        ("echo piped | tee /tmp/x | cat; cat /dev/null; tail /dev/null", "piped", Some((0, 0))),
        ("timeout 3 sh -c 'while true; do echo x; sleep 1; done'", "x|x|x|x", Some((3, 124))),
        ("timeout 5 sleep 60; echo $?; timeout 60 sleep 5; echo $?", "124|0", Some((10, 0))),
        ("sh -c 'echo $0 $1' x y; bash -ec 'exit 6'", "sh y", Some((0, 6))),
    ] {
        assert_eq!(shell(text), (says.to_owned(), ends), "{text}");
    }
}

#[test]
fn what_is_not_known_runs_for_ever_and_says_nothing_more() {
    for (text, says) in [
        ("echo up; serve -g 'daemon off;'", "up"),
        ("exec nginx -g 'daemon off;'", "/docker-entrypoint.sh: Configuration complete; ready for start up"),
        ("python -c 'print(1)'", ""),
        ("sleep infinity; echo never", ""),
        ("tail -f /dev/null; echo never", ""),
        ("echo a; exec tail -F /var/log/x", "a"),
        ("sleep infinity & echo a; wait; echo b", "a"),
        ("while true; do :; done; echo never", ""),
        ("while true; do sleep 1; done", ""),
        ("echo 'open", ""),
        ("x='eval $x'; eval $x", ""),
        ("while true; do i=$((i + 1)); done; echo never", ""),
    ] {
        assert_eq!(shell(text), (says.to_owned(), None), "{text}");
    }
}

#[test]
fn a_loop_that_never_ends_is_told_from_any_instant_on() {
    assert_eq!(log("while true; do echo tick; sleep 10; done", 25, 9), "0 tick\n10 tick\n20 tick\n");
    assert_eq!(
        log("echo up; while :; do sleep 5; echo a; sleep 5; echo b; done", 17, 9),
        "0 up\n5 a\n10 b\n15 a\n"
    );
    let year = 365 * 86_400;
    assert_eq!(
        log("while true; do echo tick; sleep 1; done", year, 2),
        format!("{} tick\n{year} tick\n", year - 1)
    );
    assert_eq!(log("while true; do echo tick; sleep 1; done & sleep 2", year, 9), "0 tick\n1 tick\n2 tick\n");
    assert_eq!(log("until false; do echo tick; done", year, 3), "0 tick\n", "all of it at once is said once");
}

#[test]
fn a_date_is_that_of_the_instant_at_which_it_is_said() {
    for (text, wanted) in [
        ("date", "0 Thu Jan  1 09:00:00 UTC 2026\n"),
        ("x=$(date +%H); sleep 3600; echo $x $(date +%H)", "3600 09 10\n"),
        ("sleep 61; echo now $(date -u +%FT%TZ) \"$NAME\"", "61 now 2026-01-01T09:01:01Z ECI\n"),
        ("date +%s; date '+%Y-%m-%d %H:%M'", "0 1767258000\n0 2026-01-01 09:00\n"),
        (
            "while true; do date; sleep 3600; done",
            "0 Thu Jan  1 09:00:00 UTC 2026\n3600 Thu Jan  1 10:00:00 UTC 2026\n",
        ),
    ] {
        assert_eq!(log(text, 4000, 9), wanted, "{text}");
    }
}

#[test]
fn what_a_run_keeps_is_bounded_however_much_it_says() {
    for text in [
        "while true; do echo $i; i=$((i + 1)); done",
        "for i in $(seq 1000); do for j in $(seq 1000); do echo $i $j; done; done",
        "x=a; while true; do x=$x$x; echo $x; done",
        "for i in {1..900}; do echo $i; echo $i; echo $i; done; sleep 5",
    ] {
        let run = run(text);
        assert!(
            run.says.len() <= LINES_MAX && run.says.iter().all(|(_, line)| line.len() <= TEXT_MAX),
            "{text}"
        );
    }
}

#[test]
fn what_stands_within_itself_too_often_is_no_burden() {
    const OFTEN: usize = 20_000;
    for word in ["nohup", "exec", "env", "eval", "!", "-a", "("] {
        played(&vec![word; OFTEN]);
        played(&[&["test"], &vec![word; OFTEN][..]].concat());
        run(&format!("{word} ").repeat(OFTEN));
        run(&format!("test {}", format!("{word} ").repeat(OFTEN)));
    }
    for piece in
        ["timeout 5 ", "$(", "${a:-", "$((", "{ ", "if ", "while ", "echo `", "a=\"$(", "x | ", "x && "]
    {
        run(&piece.repeat(OFTEN));
    }
}

#[test]
fn what_people_write_is_understood() {
    for (text, says) in [
        ("case $NAME in a|b) echo no;; E*) echo yes;; *) echo other;; esac", "yes"),
        ("case x in y) echo y;; esac; echo $?", "0"),
        ("f() { local a=1; echo \"in $1\"; return 3; }; f x; echo $?", "in x|3"),
        ("function g { echo g; }\ng", "g"),
        ("cat <<EOF\na $NAME\nEOF\ncat <<'E'\n$NAME\nE\necho end", "a ECI|$NAME|end"),
        ("cat <<-EOF | sort\n\tb\n\ta\n\tEOF", "a|b"),
        ("echo b a c | tr ' ' '\\n' | sort -r | head -n 2", "c|b"),
        ("echo a:b:c | cut -d: -f2,3; echo abc | cut -c2-", "b:c|bc"),
        ("printf 'one\\ntwo\\n' | grep -n w; printf 'x\\n' | grep -q y || echo none", "2:two|none"),
        ("echo hello | sed -e 's/l/L/g' -e 's/^/> /'", "> heLLo"),
        ("echo 'a b' | while read x y; do echo $y $x; done", "b a"),
        ("printf 'x\\ny\\n' > /tmp/l; while read -r l; do echo \"<$l>\"; done < /tmp/l", "<x>|<y>"),
        ("expr 3 + 4; expr abc : 'a\\(.*\\)'; expr 1 = 2", "7|bc|0"),
        ("i=1; ((i++)); i=$((i * 5)); let i+=1; echo $i $((i > 3 ? 7 : 8)) $((1 << 4 | 1))", "11 7 17"),
        (
            "x=a/b/c.txt; echo ${x##*/} ${x%.txt} ${x#*/} ${x/b/d} ${x:2:1} ${Y-no}",
            "c.txt a/b/c b/c.txt a/d/c.txt b no",
        ),
        ("set -e; if false; then :; fi; false || true; ! true; echo on; false; echo never", "on"),
        ("set -- a b; shift; echo $1 $#", "b 1"),
        ("echo one two | xargs -n 1 echo -; echo x | awk '{print $1, $NF}'", "- one|- two|x x"),
        (
            "seq -s , 3; basename /a/b.c .c; dirname /a/b; printf '%x %.2f %c\\n' 255 1.5 yes",
            "1,2,3|b|/a|ff 1.50 y",
        ),
        ("env | grep dotted; printenv my.dotted-name", "my.dotted-name=dots|dots"),
        ("command -v sh && ! command -v nothing", "/bin/sh"),
        ("[[ $NAME == E?I && ! -f /x ]] && [ -x /bin/sh ] && echo ok", "ok"),
        ("[ $(date +%Y) -eq 2026 ] && echo this year", "this year"),
        ("${NONE:?is missing}; echo never", "sh: NONE: is missing"),
        ("echo out; echo err >&2 2>/dev/null; { echo a; echo b >&2; } 2>/dev/null", "out|err|a"),
        ("sleep 5 & p=$!; wait $p; echo done", "done"),
        ("x=$(cat /no 2>&1); echo $x $?", "cat: /no: No such file or directory 1"),
    ] {
        assert_eq!(shell(text).0, says, "{text}");
        assert!(run(text).assumed.is_none(), "{text}: {:?}", run(text).assumed);
    }
}

#[test]
fn files_are_there_once_they_are_written() {
    for (text, wanted) in [
        ("echo a > /tmp/x; echo b >> /tmp/x; cat /tmp/x; cat < /tmp/x | wc -l", "a|b|2"),
        (
            "mkdir -p /a/b && touch /a/b/c && ls /a/b && test -f /a/b/c && [ ! -d /a/b/c ] && echo file",
            "c|file",
        ),
        ("cd /tmp; echo x > y; cp y z; mv z w; rm y; ls; pwd", "w|/tmp"),
        ("cat /etc/hostname; grep -c root /etc/passwd; ls /no", "web-0|1|ls: /no: No such file or directory"),
        (
            "printf '#!/bin/sh\\necho run $1\\n' > /s.sh; /s.sh; chmod +x /s.sh; /s.sh a; sh /s.sh b",
            "sh: /s.sh: Permission denied|run a|run b",
        ),
        ("for f in /etc/host*; do echo $f; done; echo /no*", "/etc/hostname|/etc/hosts|/no*"),
        ("mkdir /d; echo 1 > /d/a; tar cf /t.tar -C / d; mkdir /e; tar xf /t.tar -C /e; cat /e/d/a", "1"),
        ("echo x | tee /tmp/t; sed -i s/x/y/ /tmp/t; cat /tmp/t", "x|y"),
        ("(sleep 5; touch /tmp/go) & until [ -f /tmp/go ]; do sleep 2; done; echo gone; cat /tmp/go", "gone"),
        ("date > /tmp/d; sleep 60; cat /tmp/d | cut -d' ' -f5", "09:00:00"),
        ("ln -s /etc/hostname /tmp/h; cat /tmp/h; find /tmp -type l", "web-0|/tmp/h"),
    ] {
        let origin = crate::script::files::Origin { host_name: "web-0".into(), ..Default::default() };
        let space = Space::new(origin, Vec::new(), vec![Layer::default()], false);
        let run = read(&["sh", "-c", text], RunContext { space, started: nine(), ..RunContext::default() });
        let lines = run.lines(nine(), Duration::MAX, 99);
        let says: Vec<_> = lines.iter().map(|(_, line)| &**line).collect();
        assert_eq!(says.join("|"), wanted, "{text}");
        assert!(run.assumed.is_none(), "{text}: {:?}", run.assumed);
    }
}

#[test]
fn a_loop_that_waits_for_a_file_costs_nothing_and_ends_when_others_make_it() {
    let text = "echo wait; until [ -f /tmp/go ]; do echo .; sleep 1; done; echo gone";
    let waits = run(text);
    assert_eq!((waits.ends, waits.again.len()), (None, 1));
    assert!(waits.looks.contains(&(0, "/tmp/go".into())));
    let mut layer = Layer::default();
    assert!(layer.put("/tmp/go", Some(crate::script::files::Node::file("", 0o644))));
    let day = Duration::from_secs(86_400);
    let context = RunContext { later: vec![(day, vec![layer])], started: nine(), ..RunContext::default() };
    let run = read(&["sh", "-c", text], context);
    assert_eq!(run.ends, Some((day, 0)));
    let last = run.lines(nine(), Duration::MAX, 2);
    assert_eq!(
        last.iter().map(|(at, line)| (at.as_secs(), &**line)).collect::<Vec<_>>(),
        [(86_399, "."), (86_400, "gone")]
    );
}

#[test]
fn a_loop_that_only_adds_to_a_file_is_one_round() {
    let run = run("while true; do date +%T >> /tmp/log; sleep 1; done");
    assert_eq!((run.ends, run.again.len(), run.again[0].rounds), (None, 1, None));
    let changes = run.changes(None, Duration::from_secs(3));
    assert_eq!(changes.iter().map(|(at, _)| at.as_secs()).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn a_command_without_a_shell_is_understood() {
    for (words, ends) in [
        (&["sleep", "30"][..], Some((30, 0))),
        (&["/bin/sleep", "0.5"], Some((0, 0))),
        (&["sleep", "1m"], Some((60, 0))),
        (&["sleep", "infinity"], None),
        (&["true"], Some((0, 0))),
        (&["false"], Some((0, 1))),
        (&["echo", "hello", "there"], Some((0, 0))),
        (&["echo", "a; exit 3"], Some((0, 0))),
        (&["test", "-z", ""], Some((0, 0))),
        (&["cat"], Some((0, 0))),
        (&["tail", "-f", "/dev/null"], None),
        (&["env", "A=1", "sh", "-c", "exit $A"], Some((0, 1))),
        (&["printenv", "my.dotted-name"], Some((0, 0))),
        (&["bash"], Some((0, 0))),
        (&["nginx"], None),
        (&[], None),
    ] {
        let run = played(words);
        assert_eq!(run.ends.map(|(after, code)| (after.as_secs(), code)), ends, "{words:?}");
    }
}

proptest! {
    #[test]
    fn fuzz_no_script_makes_the_reader_stumble(text in "[a-z0-9 ;&|'\"$\\\\{}()<>=!\\[\\]\n#.-]{0,80}") {
        shell(&text);
    }

    #[test]
    fn fuzz_no_mixture_of_a_shell_s_words_makes_the_reader_stumble(words in prop::collection::vec(prop::sample::select(vec![
        "while", "true", "do", "done", ";", "for", "i", "in", "if", "then", "else", "fi", "{", "}", "(", ")", "$(", "`",
        "echo", "sleep", "1", "&", "&&", "||", "|", "cat", "$i", "i=1", "\"", "'", "$((", "))", "break", "exec", "eval",
        "trap", "EXIT", "wait", "case", "esac", ";;", "in", "*)", "<<E\nx\nE\n", "f()", "read", "set", "-e", "/tmp/x", ">>", "cat",
        "grep", "sed", "s/a/b/", "tr", "cut", "-f1", "tail", "-f", "sort", "xargs", "rm", "-r", "cp", "${x%y*}", "((", "i++", ">", "<", "\n", "until", "false", "sh", "-c", "timeout", "[", "]", "!", "${", "date",
    ]), 0..40)) {
        let text = words.join(" ");
        let run = run(&text);
        prop_assert!(run.says.is_sorted_by_key(|(after, _)| *after));
        prop_assert!(run.lines(nine(), Duration::from_secs(1 << 40), 10).len() <= 10);
    }

    #[test]
    fn a_sleep_lasts_as_long_as_it_says(seconds in 0u64..1_000_000) {
        prop_assert_eq!(shell(&format!("sleep {seconds}")).1, Some((seconds, 0)));
    }
}
