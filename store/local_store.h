// The EventStore over a volume in this process.
#pragma once

#include <memory>

#include "skald/event_store.h"
#include "store/volume.h"

namespace skald::store {

// The volume must outlive the store.
std::unique_ptr<EventStore> make_local_store(Volume& volume);
// Null unless the store is one of these.
Volume* volume_of(EventStore& store);

}  // namespace skald::store
