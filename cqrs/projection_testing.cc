#include "skald/cqrs/projection_testing.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>

#include "skald/testing.h"

namespace skald::cqrs {
namespace {

namespace fs = std::filesystem;

// Long enough for any test; what does not end by then hangs.
constexpr std::chrono::minutes kPatience{1};

class Scratch {
  public:
    Scratch() : path_((fs::temp_directory_path() / "skald-rows-XXXXXX").string()) {
        made_ = mkdtemp(path_.data()) != nullptr;
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    bool made() const { return made_; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
    bool made_ = false;
};

Result<std::vector<std::string>> all_rows(const ReadModel& model) {
    std::vector<std::string> rows;
    RowQuery query;
    do {
        auto page = model.query(query);
        if (!page) {
            return page.error();
        }
        std::move(page->rows.begin(), page->rows.end(), std::back_inserter(rows));
        query.after = std::move(page->next);
    } while (!query.after.empty());
    return rows;
}

}  // namespace

Result<std::vector<std::string>> project_all(const AnyProjection& projection,
                                             const std::vector<GivenEvent>& events) {
    const Scratch scratch;
    if (!scratch.made()) {
        return Error(Errc::io_error, fmt::format("cannot make {}", scratch.path()));
    }
    const auto store = make_memory_store();
    for (const GivenEvent& given : events) {
        if (auto receipt = store->append(Append::one(given.stream, given.event)); !receipt) {
            return receipt.error();
        }
    }
    auto end = store->position();
    ReadModelOptions options;
    options.map_bytes = std::size_t{1} << 30;
    auto model = ReadModel::open(scratch.path(), options);
    if (!end || !model) {
        return !end ? end.error() : model.error();
    }
    auto projector = Projector::start(*store, **model, projection);
    if (!projector) {
        return projector.error();
    }
    const Freshness freshness = (*projector)->wait_for(*end, kPatience);
    return freshness.reached() ? all_rows(**model) : freshness.error;
}

Verdict compare_failure(const std::vector<Shown>& given, std::string_view reason,
                        const Result<std::vector<std::string>>& came) {
    if (!came && came.error().message.find(reason) != std::string::npos) {
        return {};
    }
    std::string text = "given\n";
    for (const Shown& shown : given) {
        text += fmt::format("    {} {}\n", shown.name, shown.data);
    }
    text += fmt::format("expected\n    it fails: {}\ncame\n", reason);
    return Verdict(text + (came ? fmt::format("    {} rows\n", came->size())
                                : fmt::format("    it fails: {}\n", came.error().message)));
}

}  // namespace skald::cqrs
