#include "tests/store/index/index_world.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

namespace skald::store::index {

std::unique_ptr<lmdb::Env> open_env(const std::string& directory) {
    lmdb::EnvOptions options;
    options.map_bytes = 4 * limits::kGiB;
    return lmdb::Env::open(directory, options).value();
}

namespace {

void append_field(std::string& out, wire::FieldTag tag, const std::string& value) {
    append_as(out, static_cast<std::uint16_t>(tag));
    append_as(out, static_cast<std::uint16_t>(value.size()));
    out += value;
}

bool has_term(const Record& record, TermKind kind, const std::string& key) {
    if (kind == TermKind::stream || record.control || record.hole) {
        return kind == TermKind::stream && !record.control && record.stream == key;
    }
    switch (kind) {
        case TermKind::category:
            return category_of(record.stream) == key;
        case TermKind::type:
            return record.type == key;
        case TermKind::correlation:
            return !key.empty() && record.correlation == key;
        default:
            break;
    }
    return std::find(record.tags.begin(), record.tags.end(), key) != record.tags.end();
}

}  // namespace

void Record::encode_fields() {
    fields.clear();
    if (!correlation.empty()) {
        append_field(fields, wire::FieldTag::correlation_id, correlation);
    }
    for (const std::string& tag : tags) {
        append_field(fields, wire::FieldTag::tag, tag);
    }
}

EventView Record::view(Offset offset) const {
    EventView event{};
    event.stream = stream;
    event.type = type;
    event.version = Version(version);
    event.offset = offset;
    event.control = control;
    event.fields = fields;
    return event;
}

std::vector<Posting> Oracle::postings(TermKind kind, const std::string& key,
                                      std::uint64_t below) const {
    std::vector<Posting> out;
    for (const auto& [offset, record] : records) {
        if (offset < below && has_term(record, kind, key)) {
            out.push_back({Offset(offset), Version(kind == TermKind::stream ? record.version : 0)});
        }
    }
    return out;
}

std::optional<StreamHead> Oracle::head(const std::string& stream, std::uint64_t below) const {
    StreamHead head{};
    bool any = false;
    for (const auto& [offset, record] : records) {
        if (offset >= below || record.stream != stream) {
            continue;
        }
        any = true;
        if (record.control) {
            head.lifecycle = Offset(offset);
        } else {
            head.next = Version(record.version + 1);
            head.last = Offset(offset);
        }
    }
    return any ? std::optional(head) : std::nullopt;
}

std::vector<std::string> Oracle::keys(TermKind kind, std::uint64_t below) const {
    std::set<std::string> keys;
    for (const auto& [offset, record] : records) {
        if (offset >= below) {
            continue;
        }
        const bool events = !record.control && !record.hole;
        if (kind == TermKind::stream) {
            keys.insert(record.stream);
        } else if (kind == TermKind::category && events) {
            keys.emplace(category_of(record.stream));
        } else if (kind == TermKind::type && events) {
            keys.insert(record.type);
        } else if (kind == TermKind::correlation && events && !record.correlation.empty()) {
            keys.insert(record.correlation);
        } else if (kind == TermKind::tag && events) {
            keys.insert(record.tags.begin(), record.tags.end());
        }
    }
    return {keys.begin(), keys.end()};
}

std::uint64_t Oracle::fingerprint(std::uint64_t below) const {
    std::uint64_t sum = 0;
    for (const auto& [offset, record] : records) {
        sum += offset < below ? record_fingerprint(record.view(Offset(offset)), record.hole) : 0;
    }
    return sum;
}

World::World() {
    open();
}

void World::open() {
    env_ = open_env(directory_.path());
    index_ = SegmentedIndex::open(*env_, Partition(3)).value();
    maintenance_ =
        std::make_unique<Maintenance>(*env_, std::vector<SegmentedIndex*>{index_.get()}, clock_);
    REQUIRE(maintenance_->find_orphans());
}

void World::feed() {
    const std::uint64_t last = oracle_.records.empty() ? 0 : oracle_.records.rbegin()->first + 1;
    for (std::uint64_t offset = index_->end().value; offset < last; ++offset) {
        const auto record = oracle_.records.find(offset);
        if (record == oracle_.records.end()) {
            index_->skip();
        } else {
            index_->add(record->second.view(Offset(offset)), record->second.hole);
        }
    }
}

void World::add(Record record) {
    record.encode_fields();
    record.version = record.control ? 77 : versions_[record.stream]++;
    const Offset at = index_->end();
    const Record& kept = oracle_.records.emplace(at.value, std::move(record)).first->second;
    index_->add(kept.view(at), kept.hole);
}

void World::roll() {
    const std::uint64_t to = end() + limits::kTailEventsMax;
    while (end() < to) {
        index_->skip();
    }
}

void World::commit() {
    auto txn = env_->write().value();
    REQUIRE(maintenance_->apply(txn));
    REQUIRE(std::move(txn).commit());
    REQUIRE(maintenance_->committed());
    index_->set_sealable(index_->end());
}

void World::crash() {
    {
        auto txn = env_->write().value();
        REQUIRE(maintenance_->apply(txn));
    }
    reopen();
}

void World::reopen() {
    maintenance_.reset();
    index_.reset();
    env_.reset();
    open();
    feed();
}

void World::settle() {
    commit();
    for (bool busy = true; busy;) {
        busy = maintenance_->step().value();
        if (maintenance_->pending()) {
            commit();
            busy = true;
        }
    }
}

std::size_t World::dead_blocks() const {
    const auto runs = index_->runs();
    auto txn = env_->read().value();
    auto cursor = lmdb::Cursor::open(txn, index_->databases().runs).value();
    std::size_t dead = 0;
    for (auto entry = cursor.first().value(); entry; entry = cursor.next().value()) {
        const auto& live = runs->manifest.runs;
        dead += std::none_of(live.begin(), live.end(),
                             [&](const RunInfo& run) { return run.id == run_of(entry->number()); });
    }
    return dead;
}

namespace {

std::vector<Posting> part(std::vector<Posting> all, const std::function<std::uint64_t(Posting)>& at,
                          std::uint64_t from, bool backward, std::size_t limit) {
    if (backward) {
        std::reverse(all.begin(), all.end());
    }
    std::erase_if(all, [&](Posting p) { return backward ? at(p) > from : at(p) < from; });
    all.resize(std::min(all.size(), limit));
    return all;
}

}  // namespace

void require_same(const IndexSnapshot& snapshot, const Oracle& oracle, TermKind kind,
                  const std::string& key, std::uint64_t below) {
    const Term term = Term::of(kind, key);
    const auto all = oracle.postings(kind, key, below);
    const auto by_offset = [](Posting p) { return p.offset.value; };
    const auto by_version = [](Posting p) { return p.version.value; };
    std::vector<std::uint64_t> places{0, below, ~std::uint64_t{0}};
    for (const std::size_t i : {std::size_t{0}, all.size() / 3, all.size() / 2}) {
        if (i < all.size()) {
            places.push_back(all[i].offset.value);
            places.push_back(all[i].offset.value + 1);
        }
    }
    for (const bool backward : {false, true}) {
        for (const std::size_t limit :
             {std::size_t{0}, std::size_t{1}, std::size_t{7}, all.size() + 1}) {
            for (const std::uint64_t from : places) {
                REQUIRE(snapshot.postings(term, Offset(from), backward, limit).value() ==
                        part(all, by_offset, from, backward, limit));
            }
            if (kind != TermKind::stream) {
                continue;
            }
            for (const std::uint64_t from :
                 {std::uint64_t{0}, std::uint64_t{all.size() / 2}, std::uint64_t{all.size()}}) {
                REQUIRE(snapshot.versions(key, Version(from), backward, limit).value() ==
                        part(all, by_version, from, backward, limit));
            }
        }
    }
}

}  // namespace skald::store::index
