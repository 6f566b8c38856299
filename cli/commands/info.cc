// skald info: what a data directory holds.
#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/commands/directory.h"
#include "cli/commands/report.h"

namespace skald::cli {
namespace {

void print_text(Output& output, const DirectoryInfo& info) {
    output.line(fmt::format("cluster {}", to_string(info.cluster)));
    output.line(fmt::format("node    {}", to_string(info.node)));
    output.line(fmt::format("format  {}", info.format_version));
    output.line(fmt::format("records {}", info.records));
    output.line(fmt::format("bytes   {} used of {}", info.used_bytes, info.file_bytes));
    for (const DirectoryPartition& partition : info.partitions) {
        std::string line =
            fmt::format("partition {}: offsets {}, epoch {}, lineage {}", partition.partition.value,
                        offset_range(partition.start, partition.next), partition.epoch.value,
                        to_string(partition.lineage));
        if (partition.parent && partition.fork) {
            line +=
                fmt::format(", from {} at {}", to_string(*partition.parent), partition.fork->value);
        }
        output.line(line);
    }
}

void write_partition(JsonWriter& json, const DirectoryPartition& partition) {
    json.begin_object()
        .field("partition", std::uint64_t{partition.partition.value})
        .field("lineage", to_string(partition.lineage));
    if (partition.parent) {
        json.field("parent", to_string(*partition.parent));
    }
    if (partition.fork) {
        json.field("fork", partition.fork->value);
    }
    json.field("epoch", partition.epoch.value)
        .field("start", partition.start.value)
        .field("next", partition.next.value)
        .end_object();
}

void write_json(JsonWriter& json, const DirectoryInfo& info) {
    json.begin_object()
        .field("cluster", to_string(info.cluster))
        .field("node", to_string(info.node))
        .field("format_version", std::uint64_t{info.format_version})
        .field("records", info.records)
        .field("file_bytes", info.file_bytes)
        .field("used_bytes", info.used_bytes)
        .key("partitions")
        .begin_array();
    for (const DirectoryPartition& partition : info.partitions) {
        write_partition(json, partition);
    }
    json.end_array().end_object();
}

Result<void> run(const std::string& directory, const Invocation& invocation) {
    auto info = invocation.backends.info(directory);
    return info ? print_report(invocation, *info, print_text, write_json) : info.error();
}

}  // namespace

Command info_command() {
    return directory_command("info", "What a data directory holds", run);
}

}  // namespace skald::cli
