//! The program `cargo ci`.

fn main() -> anyhow::Result<()> {
    ci::run()
}
