# nibble_embed_kernels(target): puts the text of every kernels/*/*.cuh into the program, so that it
# can show a kernel's source wherever it runs. The generated file defines kernels/ladder_source.hpp's
# `kernel_sources`, and is written again when a .cuh changes.
#
# The file is also the script that writes it: cmake -DOUT=... -DROOT=... "-DFILES=..." -P embed.cmake
if(CMAKE_SCRIPT_MODE_FILE)
    set(text "#include \"kernels/ladder_source.hpp\"\n\nnamespace nibble::kernels {\n\n")
    set(rows "")
    set(index 0)
    foreach(path IN LISTS FILES)
        file(READ ${ROOT}/${path} source)
        string(APPEND text "static constexpr char text_${index}[] = R\"kernel(${source})kernel\";\n")
        string(APPEND rows "    {\"${path}\", {text_${index}, sizeof text_${index} - 1}},\n")
        math(EXPR index "${index} + 1")
    endforeach()
    string(APPEND text "static constexpr KernelSource all[] = {\n${rows}};\n"
                       "std::span<const KernelSource> kernel_sources() { return all; }\n\n"
                       "}  // namespace nibble::kernels\n")
    file(WRITE ${OUT} "${text}")
    return()
endif()

set(NIBBLE_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(nibble_embed_kernels target)
    file(GLOB paths CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
         ${PROJECT_SOURCE_DIR}/kernels/*/*.cuh)
    list(TRANSFORM paths PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE full_paths)
    set(out ${PROJECT_BINARY_DIR}/kernel_sources.cpp)
    add_custom_command(
        OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DROOT=${PROJECT_SOURCE_DIR} "-DFILES=${paths}"
                -P ${NIBBLE_EMBED_SCRIPT}
        DEPENDS ${full_paths} ${NIBBLE_EMBED_SCRIPT}
        COMMENT "Embedding the kernels' sources" VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
