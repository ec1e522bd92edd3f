# Fit a mixture of linear regressions with a multinomial gate, and print the seconds, the
# mean log-likelihood, the number of iterations, of components left, and convergence.
#   Rscript flexmix.R DATA.csv N_EXPERTS SEED MAX_ITER
suppressPackageStartupMessages(library(flexmix))
arguments <- commandArgs(trailingOnly = TRUE)
data <- read.csv(arguments[1])
set.seed(as.integer(arguments[3]))
inputs <- paste(setdiff(names(data), "y"), collapse = " + ")
control <- list(iter.max = as.integer(arguments[4]))
begin <- proc.time()[["elapsed"]]
model <- flexmix(
  as.formula(paste("y ~", inputs)),
  data = data, k = as.integer(arguments[2]),
  concomitant = FLXPmultinom(as.formula(paste("~", inputs))), control = control
)
seconds <- proc.time()[["elapsed"]] - begin
cat(
  "RESULT", seconds, format(as.numeric(logLik(model)) / nrow(data), digits = 12),
  model@iter, model@k, as.integer(model@converged), "\n"
)
