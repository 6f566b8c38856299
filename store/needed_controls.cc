#include "store/needed_controls.h"

#include "store/control_records.h"
#include "store/positions.h"
#include "wire/consumer_chain.h"

namespace skald::store {
namespace {

// Of nothing, and of what cannot be read, all is needed.
Result<Offset> needed_from(const PartitionLog& log, Offset high_watermark,
                           std::string_view stream) {
    auto last = find_last_control(log, high_watermark, stream);
    if (!last) {
        return last.error();
    }
    if (!*last) {
        return Offset{};
    }
    auto first = wire::walk_chain(
        stream, **last, [&](Offset at) { return control_data(log, stream, at); },
        [](Offset, const wire::ConsumerRecord&) {});
    return !first && first.error().code == Errc::corrupt ? Result<Offset>(Offset{}) : first;
}

}  // namespace

Result<NeededControls> NeededControls::look(const std::vector<std::unique_ptr<PartitionLog>>& logs,
                                            const std::vector<Visible>& visible,
                                            const std::function<Result<void>()>& go_on) {
    NeededControls needed;
    const std::size_t home = partition_of(wire::kCatalogueStream, logs.size());
    auto last = last_control(*logs[home], visible[home].high_watermark, wire::kCatalogueStream);
    if (!last && last.error().code != Errc::corrupt) {
        return last.error();
    }
    if (!last || !*last) {
        return needed;
    }
    const auto catalogue = wire::read_catalogue((*last)->offset, (*last)->data);
    if (!catalogue) {
        return needed;
    }
    for (const wire::CatalogueEntry& entry : catalogue->consumers) {
        if (auto ok = go_on(); !ok) {
            return ok.error();
        }
        std::string stream = wire::stream_of(entry);
        const std::size_t partition = partition_of(stream, logs.size());
        auto first = needed_from(*logs[partition], visible[partition].high_watermark, stream);
        if (!first) {
            return first.error();
        }
        needed.begins_.emplace(std::move(stream), *first);
    }
    needed.catalogue_ = (*last)->offset;
    needed.births_ = catalogue->births;
    return needed;
}

bool NeededControls::dead(std::string_view stream, Offset offset) const {
    if (!catalogue_) {
        return false;
    }
    if (stream == wire::kCatalogueStream) {
        return offset < *catalogue_;
    }
    const auto born = wire::born_of(stream);
    if (!born || *born > births_) {
        return false;
    }
    const auto begins = begins_.find(stream);
    return begins == begins_.end() || offset < begins->second;
}

}  // namespace skald::store
