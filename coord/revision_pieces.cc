#include "coord/revision_pieces.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace skald::coord {

std::vector<Revised> RevisionPieces::add(std::vector<Revised> pieces, bool fragment) {
    std::vector<Revised> whole;
    for (Revised& piece : pieces) {
        if (begun_ && begun_->revision == piece.revision) {
            std::move(piece.changes.begin(), piece.changes.end(),
                      std::back_inserter(begun_->changes));
            continue;
        }
        if (begun_) {
            whole.push_back(std::move(*begun_));
        }
        begun_ = std::move(piece);
    }
    if (begun_ && !fragment) {
        whole.push_back(std::move(*begun_));
        begun_.reset();
    }
    bytes_ = 0;
    for (std::size_t i = 0; begun_ && i < begun_->changes.size(); ++i) {
        const Change& change = begun_->changes[i];
        bytes_ += sizeof change + change.entry.key.size() + change.entry.value.size();
    }
    for (Revised& revised : whole) {
        std::stable_sort(
            revised.changes.begin(), revised.changes.end(),
            [](const Change& a, const Change& b) { return a.entry.key < b.entry.key; });
    }
    return whole;
}

}  // namespace skald::coord
