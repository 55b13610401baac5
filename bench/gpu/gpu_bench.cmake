# The benchmark on a device. Its own kernels are built like those of the backend.
set(gpu_bench "${CMAKE_CURRENT_SOURCE_DIR}/bench/gpu")
file(GLOB gpu_bench_sources CONFIGURE_DEPENDS "${gpu_bench}/*.cpp")
add_executable(gpu_bench ${gpu_bench_sources} "${gpu_bench}/kernels.cu")
target_include_directories(gpu_bench PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/bench")
target_link_libraries(gpu_bench PRIVATE brauer_cuda)
if(BRAUER_EMULATE)
  set_source_files_properties("${gpu_bench}/kernels.cu" PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++;${kernel_flags}")
else()
  brauer_cuda_target(gpu_bench)
  # It is carried to machines with other libraries.
  target_link_options(gpu_bench PRIVATE -static-libstdc++ -static-libgcc)
endif()

# With the emulated device, so that it is known to work before it meets a real one.
if(BRAUER_TESTS AND BRAUER_EMULATE AND NODE_PROGRAM AND NOT BRAUER_SANITIZE)
  set(bundle "${CMAKE_CURRENT_BINARY_DIR}/gpu-bundle")
  add_test(NAME gpu_bundle COMMAND "${NODE_PROGRAM}" "${CMAKE_CURRENT_SOURCE_DIR}/scripts/gpu-bundle.mjs" --runner
                                   $<TARGET_FILE:gpu_bench> --out "${bundle}")
  set_tests_properties(gpu_bundle PROPERTIES FIXTURES_SETUP gpu_bundle SKIP_RETURN_CODE 77 COST 50)
  function(add_bundle_test name environment)
    add_test(NAME ${name} COMMAND sh "${bundle}/run.sh" "${CMAKE_CURRENT_BINARY_DIR}/${name}")
    set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED gpu_bundle TIMEOUT 300 ENVIRONMENT "${environment}")
  endfunction()
  set(tiny "--quick --most-batch 3 --every 5 --cases o3-mixed,sp6,matvec")
  add_bundle_test(gpu_bundle_run "BRAUER_GPU_BENCH_FLAGS=${tiny}")
  add_bundle_test(gpu_bundle_without_device "BRAUER_GPU_BENCH_FLAGS=--device 9")
  add_bundle_test(gpu_bundle_required_device "BRAUER_GPU_BENCH_FLAGS=--device 9;BRAUER_REQUIRE_GPU=1")
  set_tests_properties(gpu_bundle_without_device PROPERTIES PASS_REGULAR_EXPRESSION "there is no device 9\n0 failed, 1 skipped")
  set_tests_properties(gpu_bundle_required_device PROPERTIES PASS_REGULAR_EXPRESSION "there is no device 9\n1 failed, 0 skipped")
  if(BRAUER_ADDON)
    # Where BRAUER_PREBUILD names the folder above build/.
    get_filename_component(prebuild "${CMAKE_CURRENT_BINARY_DIR}" DIRECTORY)
    add_test(NAME gpu_bundle_layers COMMAND "${NODE_PROGRAM}" "${CMAKE_CURRENT_SOURCE_DIR}/dist-bench/gpu/layers.js")
    set_tests_properties(gpu_bundle_layers PROPERTIES FIXTURES_REQUIRED gpu_bundle TIMEOUT 300 ENVIRONMENT
                                                      "BRAUER_PREBUILD=${prebuild};BRAUER_REQUIRE_GPU=1")
  endif()
endif()
