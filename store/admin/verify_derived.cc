// The index against the log, and every hole against the lifecycle records.
#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "store/admin/verifier.h"

namespace skald::store {
namespace {

constexpr std::size_t kKeysPerPass = 100'000;
constexpr std::size_t kPostingsPerPage = 4096;
constexpr TermKind kKinds[] = {TermKind::stream, TermKind::category, TermKind::type,
                               TermKind::correlation, TermKind::tag};

}  // namespace

void Verifier::verify_derived() {
    auto set = LogSet::open(*directory_.env, directory_.databases);
    if (!set) {
        const auto& offset = set.error().offset;
        problem(offset ? std::optional(Offset{*offset}) : std::nullopt, offset ? "log" : "index",
                set.error().message);
        return;
    }
    report_.index_checked = true;
    for (const auto& log : (*set)->logs()) {
        partition_ = log->partition();
        if (auto ok = verify_partition(*log); !ok) {
            report_.index_checked = false;
            problem(std::nullopt, "index", ok.error().message);
        }
    }
    consumers_.verify_chains((*set)->logs(), ends());
}

Result<void> Verifier::verify_partition(const PartitionLog& log) {
    {
        auto txn = directory_.env->read();
        if (!txn) {
            return txn.error();
        }
        auto index = log.index().snapshot(*txn, walked().next);
        auto sum = index ? (*index)->fingerprint() : index.error();
        // It may still lead to what was scavenged.
        if (sum && *sum != walked().fingerprint) {
            sum = sum_of_present(**index);
        }
        if (!sum) {
            return sum.error();
        }
        if (*sum != walked().fingerprint) {
            problem(std::nullopt, "index", "it does not hold what the log holds");
        }
    }
    return verify_holes(log);
}

// Over the postings that lead to something: stream terms to all records, others to no holes.
Result<std::uint64_t> Verifier::sum_of_present(const IndexSnapshot& index) {
    std::uint64_t sum = 0;
    for (const TermKind kind : kKinds) {
        std::string after;
        for (bool more = true; more;) {
            auto keys =
                index.keys(kind, after, kKeysPerPass, [](std::string_view) { return true; });
            if (!keys) {
                return keys.error();
            }
            for (const std::string& key : *keys) {
                auto part = sum_of_term(index, Term::of(kind, key));
                if (!part) {
                    return part;
                }
                sum += *part;
            }
            more = keys->size() == kKeysPerPass;
            after = keys->empty() ? after : keys->back();
        }
    }
    return sum;
}

Result<std::uint64_t> Verifier::sum_of_term(const IndexSnapshot& index, const Term& term) {
    std::uint64_t sum = 0;
    Offset from = walked().meta.start;
    for (;;) {
        auto page = index.postings(term, from, false, kPostingsPerPage);
        if (!page) {
            return page.error();
        }
        for (const Posting& posting : *page) {
            const bool counts = term.kind == TermKind::stream || !is_hole(posting.offset);
            sum += counts ? posting_fingerprint(term, posting) : 0;
        }
        if (page->size() < kPostingsPerPage) {
            return sum;
        }
        from = page->back().offset + 1;
    }
}

bool Verifier::is_hole(Offset offset) {
    const std::vector<Range>& holes = walked().holes;
    const auto after = std::upper_bound(holes.begin(), holes.end(), offset,
                                        [](Offset o, const Range& hole) { return o < hole.begin; });
    return after != holes.begin() && offset < std::prev(after)->end;
}

Result<void> Verifier::verify_holes(const PartitionLog& log) {
    Offset at = walked().meta.start;
    DatedRules dated;
    while (!walked().holes.empty() && at < walked().next) {
        auto txn = directory_.env->read();
        if (!txn) {
            return txn.error();
        }
        auto index = log.index().snapshot(*txn, walked().next);
        auto cursor = lmdb::Cursor::open(*txn, databases().log);
        if (!index || !cursor) {
            return index ? cursor.error() : index.error();
        }
        std::size_t left = limits::kScanRecordsMax;
        auto found = cursor->at_or_after(at.value);
        for (; found && *found && left > 0; found = cursor->next()) {
            auto batch = wire::BatchView::open((*found)->value, partition_);
            auto looked = batch ? verify_holes_of(*batch, **index, dated) : batch.error();
            if (!looked) {
                return looked.error();
            }
            left -= std::min<std::size_t>(left, *looked ? batch->size() : 1);
            at = batch->end();
        }
        if (!found) {
            return found.error();
        }
        at = *found ? at : walked().next;
    }
    return {};
}

// Whether it had any.
Result<bool> Verifier::verify_holes_of(const wire::BatchView& batch, const IndexSnapshot& index,
                                       DatedRules& dated) {
    if (batch.header().holes == 0) {
        return false;
    }
    for (wire::EventCursor cursor(batch); cursor.next();) {
        const EventView& hole = cursor.event();
        if (!cursor.hole() || hole.control) {
            continue;
        }
        auto known = explained(hole, index, dated);
        if (!known) {
            return known;
        }
        if (!*known) {
            problem(hole.offset, "hole",
                    fmt::format("no lifecycle record explains why event {} of {} is gone",
                                hole.version.value, hole.stream));
        }
    }
    return true;
}

// A hole is right when a record erased it, or some lifecycle record hid it while it ruled: limits
// that were widened later do not bring it back.
Result<bool> Verifier::explained(const EventView& hole, const IndexSnapshot& index,
                                 DatedRules& dated) {
    auto place = dated.find(std::string(hole.stream));
    if (place == dated.end()) {
        auto rules = date(index, hole.stream);
        if (!rules) {
            return rules.error();
        }
        place = dated.emplace(hole.stream, std::move(*rules)).first;
    }
    return std::any_of(
        place->second.begin(), place->second.end(), [&](const DatedRule& dated_rule) {
            const Rule& rule = dated_rule.rule;
            return rule.control.erased == hole.version ||
                   !rule.control.alive(hole.version, hole.recorded_at, dated_rule.next, rule.until);
        });
}

Result<std::vector<Verifier::DatedRule>> Verifier::date(const IndexSnapshot& index,
                                                        std::string_view stream) {
    std::vector<DatedRule> dated;
    const auto rules = walked().rules.find(std::string(stream));
    if (rules == walked().rules.end()) {
        return dated;
    }
    for (Rule rule : rules->second) {
        const bool newest = rule.offset == rules->second.back().offset;
        rule.until = newest ? walked().clock : rule.until;
        rule.until_at = newest ? walked().next : rule.until_at;
        auto last = index.postings(Term::of(TermKind::stream, stream), rule.until_at - 1, true, 1);
        if (!last) {
            return last.error();
        }
        const Version next = last->empty() ? Version{} : last->front().version + 1;
        dated.push_back({rule, std::max(next, rule.control.truncate_before)});
    }
    return dated;
}

}  // namespace skald::store
