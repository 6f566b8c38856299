#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;

Uuid id(std::uint8_t n) {
    Uuid id;
    id.bytes[15] = n;
    return id;
}

VerifyReport good_report() {
    VerifyReport report;
    report.partitions = 1;
    report.batches = 3;
    report.events = 10;
    report.control_records = 1;
    report.holes = 2;
    report.bytes = 4096;
    report.index_checked = true;
    return report;
}

}  // namespace

TEST_CASE("verify: a sound directory is ok") {
    Harness harness;
    std::string asked;
    harness.backends.verify = [&](const std::string& directory, const AdminProgress& progress) {
        asked = directory;
        progress(1, 2);
        return Result<VerifyReport>(good_report());
    };
    const Ran text = harness.run({"verify", "dir"});
    CHECK(asked == "dir");
    CHECK(text.status == 0);
    CHECK(text.err.empty());
    CHECK(text.out ==
          "1 partition, 3 batches, 10 events, 1 control record, 2 holes, 4096 bytes; index "
          "checked\nok\n");
    const json document = json::parse(harness.run({"verify", "dir", "--json"}).out);
    CHECK(document["ok"] == true);
    CHECK(document["holes"] == 2);
    CHECK(document["problems"].empty());
}

TEST_CASE("verify: problems are listed with their places, and the status is 1") {
    Harness harness;
    harness.backends.verify = [](const std::string&, const AdminProgress&) {
        VerifyReport report = good_report();
        report.problem_count = 2;
        report.problems = {{Partition(0), Offset(7), "record", "crc32c is 1, not 2"},
                           {Partition(3), std::nullopt, "index by_type", "lacks a run"}};
        return Result<VerifyReport>(report);
    };
    const Ran text = harness.run({"verify", "dir"});
    CHECK(text.status == 1);
    CHECK(text.err == "skald: verify: dir: 2 problems; restore from a backup\n");
    CHECK(
        text.out.starts_with("problem: partition 0 offset 7, record: crc32c is 1, not 2\n"
                             "problem: partition 3, index by_type: lacks a run\n"));
    const json document = json::parse(lines_of(harness.run({"verify", "dir", "--json"}).out)[0]);
    CHECK(document["ok"] == false);
    CHECK(document["problems"][0]["offset"] == 7);
    CHECK_FALSE(document["problems"][1].contains("offset"));
}

TEST_CASE("scavenge: what was removed, as text and as JSON") {
    Harness harness;
    std::string asked;
    harness.backends.scavenge = [&](const std::string& directory, const AdminProgress& progress) {
        asked = directory;
        progress(1, 2);
        ScavengeReport report;
        report.batches_rewritten = 1;
        report.records_removed = 2;
        report.bytes_freed = 4096;
        report.pages_zeroed = 3;
        report.pages_kept = 1;
        return Result<ScavengeReport>(report);
    };
    const Ran text = harness.run({"scavenge", "dir"});
    CHECK(asked == "dir");
    CHECK(text.status == 0);
    CHECK(text.out ==
          "2 records removed: 1 batch rewritten, 0 dropped, 4096 bytes freed\n"
          "3 free pages and 0 gaps overwritten\n"
          "1 free page kept for open reads; run it again later\n");
    const json document = json::parse(harness.run({"scavenge", "dir", "--json"}).out);
    CHECK(document["records_removed"] == 2);
    CHECK(document["pages_zeroed"] == 3);
}

TEST_CASE("scavenge: without a directory the server does it") {
    Harness harness;
    std::vector<std::string> asked;
    harness.backends.scavenge_node = [&](const ClientOptions& options, const AdminProgress&) {
        asked = options.servers;
        ScavengeReport report;
        report.records_removed = 2;
        return Result<ScavengeReport>(report);
    };
    const Ran text = harness.run({"scavenge", "--server", "tcp://a:1"});
    CHECK(text.status == 0);
    CHECK(asked == std::vector<std::string>{"tcp://a:1"});
    CHECK(text.out.starts_with("2 records removed"));
    CHECK(harness.run({"scavenge", "dir", "--server", "tcp://a:1"}).status == 2);
}

TEST_CASE("backup and restore: what was copied, from where to where") {
    Harness harness;
    std::string from;
    std::string to;
    harness.backends.backup = [&](const std::string& a, const std::string& b,
                                  const AdminProgress&) {
        from = a;
        to = b;
        return Result<BackupReport>(
            BackupReport{2, 10, 512, {{Partition(0), id(1), Offset(0), Offset(10)}}});
    };
    harness.backends.restore = [&](const std::string& a, const std::string& b,
                                   const AdminProgress&) -> Result<RestoreReport> {
        from = a;
        to = b;
        return Error(Errc::already_exists, b + ": holds files already");
    };
    const Ran backup = harness.run({"backup", "out", "--data", "dir"});
    CHECK(backup.status == 0);
    CHECK(from == "dir");
    CHECK(to == "out");
    CHECK(backup.out ==
          "out: 10 records in 2 batches, 512 bytes\n"
          "partition 0: offsets 0-9, lineage 00000000-0000-0000-0000-000000000001\n");
    const json document =
        json::parse(harness.run({"backup", "out", "--data", "dir", "--json"}).out);
    CHECK(document["partitions"][0]["next"] == 10);

    const Ran restore = harness.run({"restore", "in", "dir"});
    CHECK(restore.status == 4);
    CHECK(from == "in");
    CHECK(to == "dir");
    CHECK(restore.err == "skald: restore: dir: holds files already\n");
}

TEST_CASE("backup: of the server, unless a directory is named") {
    Harness harness;
    std::vector<std::string> from;
    harness.backends.backup_node = [&](const ClientOptions& options, const std::string& out,
                                       const AdminProgress& progress) {
        from = options.servers;
        progress(1, 2);
        CHECK(out == "out");
        return Result<BackupReport>(
            BackupReport{2, 10, 512, {{Partition(0), id(1), Offset(0), Offset(10)}}});
    };
    harness.backends.backup = [&](const std::string&, const std::string&, const AdminProgress&) {
        return Result<BackupReport>(Error(Errc::already_open, "dir is in use"));
    };
    const Ran backup = harness.run({"backup", "out"});
    CHECK(backup.status == 0);
    CHECK(from == std::vector<std::string>{"tcp://127.0.0.1:7400"});
    CHECK(backup.out.starts_with("out: 10 records in 2 batches, 512 bytes\n"));
    const Ran open = harness.run({"backup", "out", "--data", "dir"});
    CHECK(open.status == 4);
    CHECK(open.err ==
          "skald: backup: dir is in use; or leave --data out to copy it through its node\n");
    CHECK(harness.run({"backup", "out", "--data", "dir", "--server", "tcp://a:1"}).status == 2);
}

TEST_CASE("info: identity, size and partitions") {
    Harness harness;
    harness.backends.info = [](const std::string&) {
        DirectoryInfo info;
        info.cluster = id(1);
        info.node = id(2);
        info.format_version = 1;
        info.records = 11;
        info.file_bytes = 8192;
        info.used_bytes = 4096;
        info.partitions = {
            {Partition(0), id(3), id(4), Offset(5), Epoch(2), Offset(0), Offset(11)}};
        return Result<DirectoryInfo>(info);
    };
    const Ran text = harness.run({"info", "dir"});
    CHECK(text.status == 0);
    CHECK(text.out ==
          "cluster 00000000-0000-0000-0000-000000000001\n"
          "node    00000000-0000-0000-0000-000000000002\n"
          "format  1\nrecords 11\nbytes   4096 used of 8192\n"
          "partition 0: offsets 0-10, epoch 2, lineage 00000000-0000-0000-0000-000000000003, "
          "from 00000000-0000-0000-0000-000000000004 at 5\n");
    const json document = json::parse(harness.run({"info", "dir", "--json"}).out);
    CHECK(document["partitions"][0]["fork"] == 5);
    CHECK(document["used_bytes"] == 4096);
}

}  // namespace skald::cli
