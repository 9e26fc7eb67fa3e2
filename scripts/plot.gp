# Draw a result directory from its CSV files alone, with gnuplot (5.4 or newer) and awk.
#
#     gnuplot -e "dir='results/idle-c2s'" scripts/plot.gp
#     gnuplot -e "dir='results/sweep'; point='20000,0.05'; out='figures'" scripts/plot.gp
#
# Writes loss.svg, release.svg, teardown.svg, differences.svg, sockets.svg and frontier.svg, and with two varied keys heat.svg, to
# `out` (DIR-figures without it), which must exist. In a sweep all but the last show one point: that of the values `point`, in
# the order of the columns, or the first. Names in the files must hold no comma.

if (!exists("dir")) { print "say where: gnuplot -e \"dir='results/idle-c2s'\" scripts/plot.gp"; exit status 2 }
if (!exists("out")) { out = dir . "-figures"; system(sprintf("mkdir -p '%s'", out)) }
set datafile separator comma
set datafile columnheaders
set terminal svg size 720,420 font "sans-serif,13" background "white"
set grid
set style fill solid 0.85 noborder

# The varied keys are the columns before `metric` in comparison.csv.
keys = system(sprintf("awk -F, 'NR==1 {for (i=1; $i != \"metric\"; i++) printf \"%%s%%s\", (i>1 ? \",\" : \"\"), $i}' '%s/comparison.csv'", dir))
if (!exists("point")) {
    point = system(sprintf("awk -F, 'NR==1 {while ($(n+1) != \"metric\") n++} NR==2 {for (i=1; i<=n; i++) printf \"%%s%%s\", (i>1 ? \",\" : \"\"), $i}' '%s/comparison.csv'", dir))
}
# Programs for awk are put together with dots: the sprintf of gnuplot 5.4 garbles long texts.
COLUMNS = 'NR==1 {for (i=1; i<=NF; i++) c[$i]=i; n=(P=="-" ? 0 : split(K,k,",")); split(P,p,",")'
HERE = 'for (i=1; i<=n; i++) if ($c[k[i]] != p[i]) next;'
solid(text) = strlen(text) ? text : "-"
awk(file, strategy, metric, at, program) = "< awk -F, -v 'K=" . solid(keys) . "' -v 'P=" . solid(at) . "' -v 's=" . strategy . "' -v 'm=" . metric . "' '" . program . "' '" . dir . "/" . file . "'"
# A file's rows of one strategy and one metric at a point, header included.
some(file, strategy, metric, at) = awk(file, strategy, metric, at, COLUMNS . '; print; next} $c["strategy"]==s && $c["metric"]==m {' . HERE . ' print}')
pick(file, strategy, metric) = some(file, strategy, metric, point)
names = system(sprintf("awk -F, 'NR==1 {for (i=1; i<=NF; i++) c[$i]=i; next} !seen[$c[\"strategy\"]]++ {printf \"%%s \", $c[\"strategy\"]}' '%s/percentiles.csv'", dir))
where = strlen(point) ? sprintf(" at %s = %s", keys, point) : ""

either(value, instead) = value == value ? value : instead
# Loss by strategy, with its interval where comparison.csv has one.
set output out . "/loss.svg"
set title "Stanzas lost a stream" . where noenhanced
set ylabel "stanzas lost a stream"
set xrange [0.4:words(names) + 0.6]
set yrange [0:*]
unset key
set xtics rotate by -25 noenhanced (word(names, 1) 1)
set for [i=2:words(names)] xtics add (word(names, i) i)
plot for [i=1:words(names)] pick("comparison.csv", word(names, i), "lost") using (i):"estimate":(0.6) with boxes linecolor i, \
     for [i=1:words(names)] pick("comparison.csv", word(names, i), "lost") using (i):"estimate":(either(column("low"), column("estimate"))):(either(column("high"), column("estimate"))) with yerrorbars linecolor "black" linewidth 1.5 pointtype 0

# Release and teardown: the share of closings over after a time. What is left to 1 never was: the censored share.
set xtics norotate auto
set key outside right top noenhanced
set ylabel "share of closings"
do for [metric in "release teardown"] {
    unset logscale x
    set xrange [*:*]
    set yrange [*:*]
    array most[words(names)]
    array came[words(names)]
    do for [i=1:words(names)] {
        name = word(names, i)
        stats pick("percentiles.csv", name, metric) using "count" nooutput
        most[i] = STATS_max
        # A metric that never happened at all has no value.
        stats pick("percentiles.csv", name, metric) using (strlen(strcol("value_us")) ? column("count") : 0) nooutput
        came[i] = STATS_max
    }
    set logscale x
    set xrange [0.1:*]
    set yrange [0:1.02]
    set output out . "/" . metric . ".svg"
    set title metric . where noenhanced
    set xlabel sprintf("%s after the decision [ms], at once drawn at 0.1", metric)
    plot for [i=1:words(names)] pick("percentiles.csv", word(names, i), metric) using (strlen(strcol("value_us")) ? (column("value_us") > 100 ? column("value_us") / 1000. : 0.1) : NaN):(column("count") / most[i]) \
        with linespoints linecolor i pointtype i linewidth 1.5 title sprintf("%s (%.3g %% never)", word(names, i), 100. * (1 - came[i] / most[i]))
    undefine most came
}
unset logscale x

# Paired differences in loss to the reference, with their intervals.
set output out . "/differences.svg"
set title "Difference in loss to the reference" . where noenhanced
set xlabel "stanzas lost a stream, minus those of the reference"
unset ylabel
unset key
set xrange [*<0:0<*]
set yrange [words(names) + 0.5:0.5]
set xtics auto
set ytics noenhanced (word(names, 1) 1)
set for [i=2:words(names)] ytics add (word(names, i) i)
set arrow 1 from first 0, graph 0 to first 0, graph 1 nohead linecolor "black"
plot for [i=1:words(names)] pick("comparison.csv", word(names, i), "lost") using (strlen(strcol("difference")) ? column("difference") : NaN):(i):(strlen(strcol("diff_low")) ? column("diff_low") : column("difference")):(strlen(strcol("diff_high")) ? column("diff_high") : column("difference")) with xerrorbars linewidth 1.5 pointtype 7 linecolor i
unset arrow 1

# Sockets by TCP state over time: each area from the sum of the states up to its own, the largest drawn first.
states = "established syn_sent syn_received fin_wait_1 fin_wait_2 close_wait closing last_ack time_wait"
colours = "#9cc3ea #cfa9e8 #6a3a91 #a03b22 #e9b44c #1e6b41 #8fd0a9 #1f62a9 #c3c9d1"
# The mean over seeds at each second; column n + 1 is the sum of the first n states.
SUMS = '; h=split(m,q," "); printf "t"; for (i=1; i<=h; i++) printf ",%s", q[i]; print ""; next} $c["strategy"]==s {' . HERE . ' t=$c["second"]; if (t+0>l) l=t+0; u=0; for (i=1; i<=h; i++) {u+=$c[q[i]]; a[t+0,i]+=u} if (!z[$c["seed"]]++) d++}'
MEANS = ' END {for (t=0; t<=l; t++) {printf "%d", t; for (i=1; i<=h; i++) printf ",%g", a[t,i]/d; print ""}}'
mean(name) = awk("timeline.csv", name, states, point, COLUMNS . SUMS . MEANS)
set terminal svg size 720,320 * words(names) font "sans-serif,13" background "white"
set output out . "/sockets.svg"
set xrange [0:*]
set yrange [0:*]
set ytics auto
set key outside right top noenhanced reverse Left
set xlabel "seconds"
set ylabel "sockets, mean over seeds"
set multiplot layout words(names), 1
do for [name in names] {
    set title name . where noenhanced
    plot for [n=9:1:-1] mean(name) using 1:(column(n + 1)) with filledcurves y1=0 linecolor rgb word(colours, n) title word(states, n)
}
unset multiplot
set terminal svg size 720,420 font "sans-serif,13" background "white"

# Loss against socket time, a point a strategy with both intervals.
set output out . "/frontier.svg"
set title "Loss against socket time" . where noenhanced
set xlabel "socket time a stream [s]"
set ylabel "stanzas lost a stream"
set xrange [0:*]
set key outside right top noenhanced noreverse Right
BOTH = '; print "x,y,xlow,xhigh,ylow,yhigh"; next} $c["strategy"]==s {' . HERE . ' if ($c["metric"]=="lost") {y=$c["estimate"]; yl=$c["low"]; yh=$c["high"]} if ($c["metric"]=="socket_us") {x=$c["estimate"]; xl=$c["low"]; xh=$c["high"]}}'
ENDS = ' END {if (yl=="") yl=yh=y; if (xl=="") xl=xh=x; printf "%s,%s,%s,%s,%s,%s\n", x/1e6, y, xl/1e6, xh/1e6, yl, yh}'
both(name) = awk("comparison.csv", name, "-", point, COLUMNS . BOTH . ENDS)
plot for [i=1:words(names)] both(word(names, i)) using "x":"y":"xlow":"xhigh":"ylow":"yhigh" with xyerrorbars pointtype i + 4 linewidth 1.5 linecolor i title word(names, i)

# Two varied keys: loss for each pair, a map a strategy.
if (strlen(keys) && words(system(sprintf("echo '%s' | tr ',' ' '", keys))) == 2) {
    set terminal svg size 420 * words(names),360 font "sans-serif,13" background "white"
    set output out . "/heat.svg"
    unset key
    unset grid
    rowkey = word(system(sprintf("echo '%s' | tr ',' ' '", keys)), 1)
    columnkey = word(system(sprintf("echo '%s' | tr ',' ' '", keys)), 2)
    values(n) = system(sprintf("awk -F, 'NR>1 && !seen[$%d]++ {printf \"%%s \", $%d}' '%s/comparison.csv'", n, n, dir))
    down = values(1)
    across = values(2)
    at(list, value) = int(sum [i=1:words(list)] (word(list, i) eq value ? i : 0))
    set xrange [0.5:words(across) + 0.5]
    set yrange [words(down) + 0.5:0.5]
    set xtics noenhanced (word(across, 1) 1)
    set ytics noenhanced (word(down, 1) 1)
    set for [i=2:words(across)] xtics add (word(across, i) i)
    set for [i=2:words(down)] ytics add (word(down, i) i)
    set xlabel columnkey noenhanced
    set ylabel rowkey noenhanced
    set palette defined (0 "#eaf1f8", 1 "#5f9bd0", 2 "#124a85")
    set cbrange [0:*]
    set cblabel "stanzas lost a stream"
    set multiplot layout 1, words(names)
    do for [name in names] {
        set title name noenhanced
        plot some("comparison.csv", name, "lost", "") using (at(across, strcol(columnkey))):(at(down, strcol(rowkey))):"estimate" with image pixels
    }
    unset multiplot
}
set output
