#include "broker/replication/partition_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/limits.h"
#include "broker/replication/planted.h"
#include "coord/record.h"

namespace skald::broker::replication {
namespace {

using coord::Record;

Error damaged(std::string_view what) {
    return {Errc::corrupt, fmt::format("a partition's configuration: {}", what)};
}

Record record_of(const Member& member) {
    return {{"node", to_string(member.node)}, {"incarnation", member.incarnation}};
}

std::optional<Uuid> uuid_in(const Record& record, const char* field) {
    return parse_uuid(coord::text_in(record, field));
}

std::optional<std::uint64_t> count_in(const Record& record, const char* field) {
    const auto it = record.find(field);
    return it != record.end() && it->is_number_unsigned() ? std::optional(it->get<std::uint64_t>())
                                                          : std::nullopt;
}

std::optional<Member> member_of(const Record& record) {
    if (!record.is_object()) {
        return std::nullopt;
    }
    const auto node = uuid_in(record, "node");
    const auto incarnation = count_in(record, "incarnation");
    return node && incarnation ? std::optional(Member{*node, *incarnation}) : std::nullopt;
}

// An array of what `read` understands.
template <typename T, typename Read>
bool list_in(const Record& record, const char* field, std::vector<T>& out, Read&& read) {
    const auto it = record.find(field);
    if (it == record.end() || !it->is_array() || it->size() > kReplicasMax) {
        return false;
    }
    for (const Record& item : *it) {
        const std::optional<T> value = read(item);
        if (!value) {
            return false;
        }
        out.push_back(*value);
    }
    return true;
}

bool members_differ(const std::vector<Member>& members) {
    for (std::size_t i = 0; i < members.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if (members[i].node == members[k].node) {
                return false;
            }
        }
    }
    return true;
}

bool read_claim(const Record& record, Claim& out) {
    const auto it = record.find("claim");
    if (it == record.end()) {
        return false;
    }
    const auto by = member_of(*it);
    const auto number = by ? count_in(*it, "number") : std::nullopt;
    if (!number) {
        return false;
    }
    out = {*by, *number};
    return true;
}

bool read_counts(const Record& record, PartitionConfig& out) {
    const auto epoch = count_in(record, "epoch");
    const auto copies = count_in(record, "copies");
    const auto least = count_in(record, "min_in_sync");
    if (!epoch || !copies || !least || *copies > kReplicasMax || *least > kReplicasMax ||
        *least == 0) {
        return false;
    }
    out.epoch = Epoch{*epoch};
    out.copies = static_cast<std::uint32_t>(*copies);
    out.min_in_sync = static_cast<std::uint32_t>(*least);
    return true;
}

}  // namespace

const Member* PartitionConfig::find(const Uuid& node) const {
    const auto it = std::find_if(in_sync.begin(), in_sync.end(),
                                 [&](const Member& member) { return member.node == node; });
    return it == in_sync.end() ? nullptr : &*it;
}

bool PartitionConfig::is_replica(const Uuid& node) const {
    return std::find(replicas.begin(), replicas.end(), node) != replicas.end();
}

bool PartitionConfig::proves(const Member& member) const {
    const Member* const named = find(member.node);
    return named != nullptr && member.incarnation >= named->incarnation;
}

std::size_t PartitionConfig::commit_quorum() const {
    return copies == 0 ? in_sync.size() : std::min<std::size_t>(copies, in_sync.size());
}

std::size_t PartitionConfig::election_quorum() const {
    const std::size_t rest = in_sync.size() - commit_quorum();
    return planted(Fault::quorums_do_not_meet) ? std::max<std::size_t>(rest, 1) : rest + 1;
}

std::string encode(const PartitionConfig& config) {
    Record record;
    record["log"] = to_string(config.log);
    record["epoch"] = config.epoch.value;
    record["open"] = config.open;
    record["primary"] = to_string(config.primary);
    record["claim"] = record_of(config.claim.by);
    record["claim"]["number"] = config.claim.number;
    record["in_sync"] = Record::array();
    for (const Member& member : config.in_sync) {
        record["in_sync"].push_back(record_of(member));
    }
    record["replicas"] = Record::array();
    for (const Uuid& node : config.replicas) {
        record["replicas"].push_back(to_string(node));
    }
    record["copies"] = config.copies;
    record["min_in_sync"] = config.min_in_sync;
    return coord::text_of(record);
}

Result<PartitionConfig> decode_config(std::string_view text) {
    const Record record = coord::record_of(text);
    PartitionConfig config;
    const auto log = uuid_in(record, "log");
    const auto primary = uuid_in(record, "primary");
    const auto open = record.find("open");
    if (!log || !primary || open == record.end() || !open->is_boolean()) {
        return damaged("it has no log, no primary, or does not say whether it is open");
    }
    config.log = *log;
    config.primary = *primary;
    config.open = open->get<bool>();
    if (!read_counts(record, config) || !read_claim(record, config.claim)) {
        return damaged("its epoch, its quorum or its claim is missing, or out of bounds");
    }
    const auto node_of = [](const Record& item) {
        return item.is_string() ? parse_uuid(item.get<std::string>()) : std::nullopt;
    };
    if (!list_in(record, "in_sync", config.in_sync, member_of) ||
        !list_in(record, "replicas", config.replicas, node_of) || config.in_sync.empty() ||
        !members_differ(config.in_sync)) {
        return damaged("its replicas are none, too many, or twice the same");
    }
    return config;
}

}  // namespace skald::broker::replication
