// Times of whole steps that others printed, one file of data/published a setting: what the roofline
// and its calibration are held against.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/published/published_file.hpp"
#include "sim/roofline/roofline.hpp"

namespace nibble {

struct PublishedStep {
    std::int64_t tensor_parallel, batch, context;
    Seconds time;
};

struct PublishedSteps : Citation {
    std::string id, title;
    std::string model, device;  // ids of the catalogue
    Phase phase = Phase::decode;
    Precision precision;
    std::vector<PublishedStep> rows;
    std::string note;  // how they were taken

    Workload workload(const PublishedStep& row) const {
        Workload w;
        w.phase = phase;
        w.batch = row.batch;
        w.context = row.context;
        w.tensor_parallel = row.tensor_parallel;
        w.precision = precision;
        return w;
    }
};

/// Throws Error::bad_file naming the line and key, Error::io when unreadable.
PublishedSteps read_published(const std::filesystem::path& path);

}  // namespace nibble
