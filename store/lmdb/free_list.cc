#include "store/lmdb/free_list.h"

namespace skald::store::lmdb {

Result<std::uint64_t> free_pages(const Env& env) {
    auto txn = env.read();
    if (!txn) {
        return txn.error();
    }
    auto cursor = Cursor::open(*txn, kFreeList);
    if (!cursor) {
        return cursor.error();
    }
    std::uint64_t pages = 0;
    auto entry = cursor->first();
    for (; entry && *entry; entry = cursor->next()) {
        pages += load_le<std::uint64_t>((*entry)->value.data());
    }
    return entry ? Result<std::uint64_t>(pages) : entry.error();
}

}  // namespace skald::store::lmdb
