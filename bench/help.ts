export const help = `usage: brauer bench [FLAGS]                        in a clone: npm run bench -- [FLAGS]
       brauer bench --growth [SWEEPS]
       brauer bench --training [--case NAMES]
       brauer bench --compare A.json B.json
       brauer bench --from RESULTS.json --html FILE

Times layers in every way that this machine can compute them, against the roofline measured in the same run. Every
contender proves its answer before it is timed. Exit status 1 where one gave a wrong answer.

what is measured: the suite, or
      --case NAMES          only these cases, joined by commas; all for the suite
      --group 'O(3)' --in 2:64 --out 2:64 [--batch 256] [--bias] [--layout channels-first]
                            a layer of your own
      --model FILE.safetensors [--batch 256]
                            the layer of a model file, with random weights and inputs
      --growth [SWEEPS]     how time grows with n, order, channels, batch and threads; of the contenders only cpu
                            unless --contenders names others; the suite too only with --case all
      --overhead            what a call costs beyond the work of its program
      --training            one step of training (forward, both gradients) beside a forward, and its memory, of o3-2 or the
                            layers that are named; exit status 1 where a step takes more than 3.3 forwards, less than
                            0.8 of its share of the roofline, or memory for more than twice the operands
      --calibrate           measures the constants of the cost model on this machine and keeps them for explain; and for
                            which products an installed BLAS is faster, and keeps those for BRAUER_BLAS=auto
      --list                names of all cases, contenders and sweeps

how:
      --contenders NAMES    only these contenders, joined by commas
      --quick               a sixteenth of the batch and fewer rounds
      --threads N           for every contender and for the roofline

results:
      --save FILE           writes everything that was measured as JSON
      --html FILE           writes a page with a roofline plot, bars, curves of growth and all figures
      --picture FILE.svg    writes a picture of the shares of the roofline
      --from FILE           what --save wrote, instead of measuring; several are put together
      --compare A B         what changed from A to B, two files that --save wrote
      --fail-slower PERCENT with --compare: exit status 1 where B is slower beyond noise and by more than this

  -h, --help                this text`
