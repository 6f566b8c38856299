// The control records of durable consumers, as a volume keeps them (docs/log_format.md).
#pragma once

#include <string>
#include <vector>

#include "store/volume.h"
#include "wire/consumer_chain.h"
#include "wire/request.h"

namespace skald::broker {

// What a chain of control records ends with: the next one rests on it.
struct CatalogueFound {
    wire::ConsumerCatalogue catalogue;
    std::uint64_t previous = 0;
};
// The newest catalogue; an empty one where none was written. Errors: corrupt, those of reading.
Result<CatalogueFound> load_catalogue(store::Volume& volume);

// A consumer's records from the last whole one on, in order; previous of the next record.
struct RecordsFound {
    std::vector<wire::ConsumerRecord> records;
    std::uint64_t previous = 0;
};
Result<RecordsFound> load_records(store::Volume& volume, const std::string& stream);

// A control record on its way into the log; where it stands must not move until its outcome.
class ControlWrite {
  public:
    ControlWrite(std::string_view stream, std::string_view type, std::string data,
                 std::uint64_t previous, wire::IdSource& ids);
    ControlWrite(const ControlWrite&) = delete;
    ControlWrite& operator=(const ControlWrite&) = delete;

    store::Submission submission(store::AppendListener& listener, std::uint64_t tag) const {
        return {view_, std::nullopt, &listener, tag};
    }

  private:
    std::string bytes_;
    wire::RequestView view_;
};

}  // namespace skald::broker
