# Finds nvcc and says in BRAUER_CUDA whether the kernels are built.
set(BRAUER_CUDA OFF)
# --compress-mode, and machine code for compute capability 12.0.
set(least_toolkit 12.8)
set(release_architectures 75-real 80-real 86-real 89-real 90-real 100-real 120)

# Read by scripts/checks/kernels.mjs; empty without CUDA.
set(architectures_file "${CMAKE_CURRENT_BINARY_DIR}/cuda-architectures.txt")
file(WRITE "${architectures_file}" "")

if(WITH_CUDA STREQUAL "OFF")
  return()
endif()

set(CMAKE_CUDA_ARCHITECTURES "${BRAUER_CUDA_ARCHITECTURES}")
if(BRAUER_CUDA_ARCHITECTURES STREQUAL "release")
  set(CMAKE_CUDA_ARCHITECTURES ${release_architectures})
elseif(BRAUER_CUDA_ARCHITECTURES STREQUAL "local")
  # The devices that are here; where there is none, two that most others run the code of.
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real)
  find_program(NVIDIA_SMI nvidia-smi)
  mark_as_advanced(NVIDIA_SMI)
  if(NVIDIA_SMI)
    execute_process(COMMAND "${NVIDIA_SMI}" --query-gpu=compute_cap --format=csv,noheader
                    OUTPUT_VARIABLE capabilities ERROR_QUIET)
    string(REGEX MATCHALL "[0-9]+\\.[0-9]" capabilities "${capabilities}")
    if(capabilities)
      list(REMOVE_DUPLICATES capabilities)
      list(TRANSFORM capabilities REPLACE "([0-9]+)\\.([0-9])" "\\1\\2-real")
      set(CMAKE_CUDA_ARCHITECTURES ${capabilities})
    endif()
  endif()
endif()
# Read when the language is enabled. Static: the addon loads and runs where CUDA is not installed.
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)

include(CheckLanguage)
check_language(CUDA)
if(CMAKE_CUDA_COMPILER)
  # Enabling the language ends the whole build where the toolkit does not know one of the architectures.
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --version OUTPUT_VARIABLE toolkit ERROR_QUIET)
  string(REGEX MATCH "release ([0-9]+\\.[0-9]+)" toolkit "${toolkit}")
  if(CMAKE_MATCH_1 VERSION_LESS least_toolkit)
    message(STATUS "Not built for CUDA: ${least_toolkit} or later is needed, this is ${CMAKE_MATCH_1}")
  else()
    enable_language(CUDA)
    # Some CMake do not know that nvcc compiles C++20.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    endif()
    set(BRAUER_CUDA ON)
  endif()
endif()
if(WITH_CUDA STREQUAL "ON" AND NOT BRAUER_CUDA)
  message(FATAL_ERROR "WITH_CUDA=ON needs nvcc ${least_toolkit} or later on the PATH")
endif()

if(BRAUER_CUDA)
  file(WRITE "${architectures_file}" "${CMAKE_CUDA_ARCHITECTURES}")
endif()

function(brauer_cuda_target target)
  string(REPLACE ";" "," code "${CMAKE_CUDA_ARCHITECTURES}")
  set_source_files_properties("${CMAKE_CURRENT_SOURCE_DIR}/cuda/probe_cuda.cpp"
                              PROPERTIES COMPILE_DEFINITIONS "BRAUER_CUDA_CODE=\"${code}\"")
  target_compile_definitions(${target} PUBLIC BRAUER_WITH_CUDA)
  target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
  # -Xptxas=-v: what each kernel takes of the device, kept by scripts/nvcc.mjs.
  set(options -Xptxas=-v --compress-mode=size -Xcompiler=-Wall,-Wextra)
  if(BRAUER_WERROR)
    list(APPEND options -Werror=all-warnings)
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${options}>")
  if(NODE_PROGRAM)
    set(launcher "${CMAKE_CURRENT_SOURCE_DIR}/scripts/nvcc.mjs")
    set_target_properties(${target} PROPERTIES CUDA_COMPILER_LAUNCHER "${NODE_PROGRAM};${launcher}")
  endif()
  set_target_properties(${target} PROPERTIES CUDA_STANDARD 20 CUDA_EXTENSIONS OFF)
endfunction()

# Tests of test/native/cuda: the calls to the runtime over one that fails on demand; the kernels' functions on a device.
function(brauer_cuda_tests)
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/test/native/cuda")
  file(GLOB host_sources CONFIGURE_DEPENDS cuda/device_*.cpp cuda/probe_cuda.cpp cuda/codes.cpp)
  add_executable(test_cuda_device_calls "${folder}/device_calls_test.cpp" "${folder}/fake_runtime.cpp" ${host_sources})
  target_include_directories(test_cuda_device_calls PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_include_directories(test_cuda_device_calls SYSTEM PRIVATE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
  target_link_libraries(test_cuda_device_calls PRIVATE brauer_core)
  target_compile_options(test_cuda_device_calls PRIVATE -UNDEBUG)
  add_test(NAME cuda_device_calls COMMAND test_cuda_device_calls)

  add_executable(test_cuda_device "${folder}/device_test.cpp" "${folder}/primitives.cu")
  target_link_libraries(test_cuda_device PRIVATE brauer_cuda)
  brauer_cuda_target(test_cuda_device)
  target_compile_options(test_cuda_device PRIVATE -UNDEBUG)
  add_test(NAME cuda_device COMMAND test_cuda_device)
  set_tests_properties(cuda_device_calls cuda_device PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
endfunction()
