"""Dataflow matrix machines: programs as matrices of links between neurons, which can rewrite that matrix.

Bukatin, Matthews and Radul (2016), Programming patterns in dataflow matrix machines and generalized recurrent
neural nets, arXiv:1606.09470; Bukatin and Anthony (2017), Dataflow matrix machines and V-values: a bridge between
programs and neural nets, arXiv:1712.07447.
"""

from pragmatic.machines.dmm.dense import DenseMachine
from pragmatic.machines.dmm.machine import Machine
from pragmatic.machines.dmm.neurons import NEURONS, NeuronType
from pragmatic.machines.dmm.program import Program
from pragmatic.machines.dmm.values import DmmError

__all__ = ["NEURONS", "DenseMachine", "DmmError", "Machine", "NeuronType", "Program"]
