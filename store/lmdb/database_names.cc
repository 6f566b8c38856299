#include "store/lmdb/database_names.h"

namespace skald::store::lmdb {

Result<std::vector<std::string>> database_names(const Txn& txn, std::string_view prefix) {
    auto cursor = Cursor::open(txn, kDirectory);
    if (!cursor) {
        return cursor.error();
    }
    std::vector<std::string> names;
    auto entry = cursor->at_or_after(as_bytes(prefix));
    for (; entry && *entry; entry = cursor->next()) {
        const std::string_view name = as_text((*entry)->key);
        if (!name.starts_with(prefix)) {
            break;
        }
        names.emplace_back(name);
    }
    return entry ? Result<std::vector<std::string>>(std::move(names)) : entry.error();
}

}  // namespace skald::store::lmdb
