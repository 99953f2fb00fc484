{
  'targets': [
    {
      'target_name': 'chordite',
      'sources': [
        'native/addon.cc',
        'native/closest_avx512.cc',
        'native/closest_preceding.cc',
        'native/connection.cc',
        'native/endpoint.cc',
        'native/endpoint_batch.cc',
        'native/endpoint_forward.cc',
        'native/endpoint_output.cc',
        'native/instance.cc',
        'native/loop.cc',
        'native/poller_epoll.cc',
        'native/poller_kqueue.cc',
        'native/sha1_avx512.cc',
        'native/sha1_batch.cc',
        'native/sha1_ni.cc',
        'native/sha1_portable.cc',
      ],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_GYP_MODULE_NAME=chordite'],
      # As system headers, or our warnings would fail inside them. Relative to build/.
      'cflags_cc': ['-isystem', '../<!(node -p "require(\'node-addon-api\').include_dir")'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fexceptions'],
      'cflags!': ['-O2'],
      'conditions': [
        ['OS != "mac"', {
          'cflags_cc': [
            '-std=c++20', '-fno-exceptions', '-fno-rtti', '-O3', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden',
          ],
          'ldflags': ['-static-libstdc++', '-static-libgcc'],
        }],
        ['OS == "mac"', {
          'xcode_settings': {
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
            'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
            'GCC_ENABLE_CPP_RTTI': 'NO',
            'GCC_OPTIMIZATION_LEVEL': '3',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'MACOSX_DEPLOYMENT_TARGET': '11.0',
            'OTHER_CPLUSPLUSFLAGS': [
              '-isystem', '../<!(node -p "require(\'node-addon-api\').include_dir")', '-Wall', '-Wextra', '-Werror',
            ],
          },
        }],
      ],
    },
  ],
}
