//! x
fn main() {
    let t = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let v: serde_json::Value = serde_yaml::from_str(&t).unwrap();
    let l = onkernel_codegen::lower::lower(v);
    let l = match l {
        Ok(l) => l,
        Err(f) => {
            for x in &f {
                println!("{} {}", x.pointer, x.message)
            }
            println!("{}", f.len());
            return;
        }
    };
    let g = onkernel_codegen::generate::generate(&l.document).unwrap();
    let f = onkernel_codegen::finish::finish(g, &l.surface).unwrap();
    println!("{}", prettyplease::unparse(&f));
    for (k, v) in onkernel_codegen::outline::outline(&f, &l.surface) {
        eprintln!("# {k}\n{v}")
    }
}
