//! Traces that are read, and those that are told.

use super::*;

fn rows(text: &str, options: ReadOptions) -> Vec<(u64, u64, u64, u64)> {
    let row = |row: &Row| (row.arrival.as_secs(), row.duration.as_secs(), row.milli_vcpu, row.mebibytes);
    read("t.csv", text, options).unwrap().iter().map(row).collect()
}

#[test]
fn a_trace_is_read_in_plain_words_and_in_those_of_public_traces() {
    let usual = ReadOptions::default();
    let plain = "arrival,duration,cpu,memory\n20,60,0.5,1\n10,30,2,4\n";
    assert_eq!(rows(plain, usual), [(0, 30, 2000, 4096), (10, 60, 500, 1024)]);
    let openb = "name,cpu_milli,memory_mib,num_gpu,creation_time,deletion_time,scheduled_time\nopenb-pod-1,4000,15258,1,100,160,100\n";
    assert_eq!(rows(openb, usual), [(0, 60, 4000, 15258)]);
    let machine = Some("96,512".parse().unwrap());
    let batch = "task_name,instance_num,start_time,end_time,plan_cpu,plan_mem\nM1,2,5,15,50,0.5\n";
    assert_eq!(rows(batch, ReadOptions { machine, ..usual }), [(0, 10, 500, 2622), (0, 10, 500, 2622)]);
    let google =
        "start_time,end_time,resource_request.cpus,resource_request.memory\n6e8,660000000,0.01,0.002\n";
    let options = ReadOptions { machine, unit: TimeUnit::Us };
    assert_eq!(rows(google, options), [(0, 60, 960, 1049)]);
    let azure = "VM id,Timestamp VM created,Timestamp VM deleted,VM virtual core count bucket,VM memory (GBs) bucket\nx,0,300,2,4\n";
    assert_eq!(rows(azure, usual), [(0, 300, 2000, 4096)]);
}

#[test]
fn a_broken_row_is_told_with_file_row_and_what_would_be_right() {
    let head = "arrival,duration,cpu,memory\n0,60,1,2\n";
    for (row, told) in [
        ("0,-3,1,2", "t.csv, row 3: `-3` in column `duration` should be a time, more than 0"),
        ("0,0,1,2", "`0` in column `duration` should be a time that leaves"),
        ("soon,60,1,2", "row 3: `soon` in column `arrival` should be a time, 0 or more"),
        ("0,60,0,2", "`0` in column `cpu` should be a number of vCPU"),
        ("0,60,1,NaN", "`NaN` in column `memory` should be an amount of memory"),
        ("0,60,1", "row 3: it has 3 cells instead of 4"),
        ("0,1e30,1,2", "`1e30` in column `duration`"),
        ("0,60,99999999999999999999999999999,2", "in column `cpu`"),
    ] {
        let why = read("t.csv", &format!("{head}{row}\n"), ReadOptions::default()).unwrap_err().to_string();
        assert!(why.contains(told), "{row}: {why}");
    }
    for (text, told) in [
        ("arrival,cpu,memory\n", "no column of duration or end"),
        ("0,60,1,2\n1,60,1,2\n", "no column of arrival"),
        ("arrival,start_time,duration,cpu,memory\n", "`arrival` and `start_time` both say the arrival"),
        ("arrival,duration,cpu,plan_mem\n", "`plan_mem` is a share of a machine"),
        ("arrival,duration,cpu,memory\n", "has no rows"),
        (
            "start_time,end_time,cpu,memory\n9,3,1,1\n",
            "`3` in column `end_time` should be a time, later than the arrival",
        ),
    ] {
        let why = read("t.csv", text, ReadOptions::default()).unwrap_err().to_string();
        assert!(why.contains(told), "{text}: {why}");
    }
}

#[test]
fn the_trace_that_ships_can_be_read() {
    let (file, text) = EXAMPLE;
    assert!(read(file, text, ReadOptions::default()).unwrap().len() >= 20);
}
