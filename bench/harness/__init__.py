"""What stands behind bench/run. Each module may import those that are named before it:

process    processes, cores, certificates
machine    what the figures were measured on
scenarios  the files in bench/scenarios
systems    what is measured and how it is started
measure    one run, and all the rounds of a scenario
table      the columns of each report, printed
main       the command line
"""
