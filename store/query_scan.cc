#include "store/query_scan.h"

namespace skald::store {
namespace {

constexpr std::size_t kPagePostings = 256;

class TermStream final : public OffsetStream {
  public:
    TermStream(const IndexSnapshot& index, Term term) : index_(index), term_(term) {}

    Result<std::optional<Offset>> seek(Offset from) override {
        while (next_ < page_.size() && page_[next_].offset < from) {
            ++next_;
        }
        if (next_ == page_.size() && !ended_) {
            auto page = index_.postings(term_, from, false, kPagePostings);
            if (!page) {
                return page.error();
            }
            page_ = std::move(*page);
            next_ = 0;
            ended_ = page_.size() < kPagePostings;
        }
        return next_ < page_.size() ? std::optional(page_[next_].offset) : std::nullopt;
    }

  private:
    const IndexSnapshot& index_;
    Term term_;
    std::vector<Posting> page_;
    std::size_t next_ = 0;
    bool ended_ = false;
};

using Streams = std::vector<std::unique_ptr<OffsetStream>>;

class Union final : public OffsetStream {
  public:
    explicit Union(Streams parts) : parts_(std::move(parts)) {}

    Result<std::optional<Offset>> seek(Offset from) override {
        std::optional<Offset> lowest;
        for (const auto& part : parts_) {
            auto found = part->seek(from);
            if (!found) {
                return found;
            }
            if (*found && (!lowest || **found < *lowest)) {
                lowest = *found;
            }
        }
        return lowest;
    }

  private:
    Streams parts_;
};

class Intersection final : public OffsetStream {
  public:
    explicit Intersection(Streams parts) : parts_(std::move(parts)) {}

    // Leaps to the highest of what the parts offer until all offer the same.
    Result<std::optional<Offset>> seek(Offset from) override {
        std::size_t agreeing = 0;
        for (std::size_t i = 0; agreeing < parts_.size(); i = (i + 1) % parts_.size()) {
            auto found = parts_[i]->seek(from);
            if (!found || !*found) {
                return found;
            }
            agreeing = **found == from ? agreeing + 1 : 1;
            from = **found;
        }
        return std::optional(from);
    }

  private:
    Streams parts_;
};

std::unique_ptr<OffsetStream> scan_item(const IndexSnapshot& index, const QueryItem& item) {
    Streams all;
    for (const std::string& tag : item.tags) {
        all.push_back(scan_term(index, Term::of(TermKind::tag, tag)));
    }
    if (!item.types.empty()) {
        Streams types;
        for (const std::string& type : item.types) {
            types.push_back(scan_term(index, Term::of(TermKind::type, type)));
        }
        all.push_back(std::make_unique<Union>(std::move(types)));
    }
    return std::make_unique<Intersection>(std::move(all));
}

}  // namespace

std::unique_ptr<OffsetStream> scan_term(const IndexSnapshot& index, Term term) {
    return std::make_unique<TermStream>(index, term);
}

std::unique_ptr<OffsetStream> scan_query(const IndexSnapshot& index, const Query& query) {
    Streams items;
    for (const QueryItem& item : query.items) {
        items.push_back(scan_item(index, item));
    }
    return std::make_unique<Union>(std::move(items));
}

}  // namespace skald::store
