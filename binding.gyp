{
  "targets": [
    {
      "target_name": "brauer",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake-js",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(PRODUCT_DIR)/brauer.node"],
          "action": ["node", "<(module_root_dir)/scripts/gyp-build.mjs"]
        }
      ]
    }
  ]
}
