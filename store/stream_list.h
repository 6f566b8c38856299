// What is known of streams, as readers may see it, and how a change of one is put.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/partition_log.h"
#include "wire/request.h"

namespace skald::store {

Result<StreamInfo> describe_stream(const PartitionLog& log, const lmdb::ReadTxn& txn,
                                   const Visible& visible, std::string_view stream);

struct ListRequest {
    std::string_view glob;
    std::string_view after;
    std::uint32_t limit = 0;
    const std::vector<std::string>& allowed;  // globs of streams that may be seen; empty: all
};
Result<StreamList> list_streams(const std::vector<std::unique_ptr<PartitionLog>>& logs,
                                const lmdb::ReadTxn& txn, const std::vector<Visible>& visible,
                                const ListRequest& request);

// The control request of a lifecycle change. It names the lifecycle record it rests on, so that two
// changes at once cannot undo each other. Errors: invalid_argument, not_found for an event to be
// erased. That a stream was deleted for good is for the writer to say, who may know the request as
// the very one that did it.
Result<std::string> encode_change(const PartitionLog& log, const lmdb::ReadTxn& txn,
                                  const Visible& visible, const Lifecycle& request,
                                  wire::IdSource& ids);

// The same of a removal.
Result<std::string> encode_removal(const PartitionLog& log, const lmdb::ReadTxn& txn,
                                   const Visible& visible, const std::string& stream,
                                   const Removal& removal, wire::IdSource& ids);

}  // namespace skald::store
