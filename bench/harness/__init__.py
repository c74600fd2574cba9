"""What stands behind bench/run and bench/report. Each module may import those named before it:

process     processes, cores, certificates
machine     what the figures were measured on
scenarios   the files in bench/scenarios
origin      the application behind relays
systems     the floor and the gateway, and how they are started
(peers)     servers of others: bench/peers
comparison  which of all these a run compares
columns     what each kind of report shows, and what many rounds say together
measure     one run, and all the rounds of a scenario
table       the table that a run prints
main        the command line of bench/run

plot        bars as SVG
report      the tables and plots of docs/benchmarks.md; its command line
"""
